"""A copy of course_lib for the sandbox: what the lesson imports, and no answer to its exercises.

Left out are course_lib/checks but for the files that observe, and grading but for the worker. A module that
holds an exercise's reference, what it is made of, or what would do as well (`Exercise.also`), stays
importable, but its functions are emptied, except those that the lesson itself imports by name, and what these
need. An emptied function raises NotImplementedError.
"""

import ast
import inspect
import py_compile
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import course_lib

PACKAGE = Path(course_lib.__file__).parent
NEEDED = (  # by the worker
    "course_lib",
    "course_lib.checks.exercise",
    "course_lib.checks.faults",
    "course_lib.checks.inputs",
    "course_lib.checks.observe",
    "course_lib.grading",
    "course_lib.grading.protocol",
    "course_lib.grading.worker",
)
CHECKS = '''\
"""While a submission is graded: `check` gives back what it gets, the grader looks at it afterwards."""


def check(name, fn):
    return fn


def progress(lesson=None):
    pass
'''
Names = dict[str, set[str]]  # module -> names in it


def clean_copy(
    folder: Path, lesson: Iterable[str], answers: Iterable[Callable], given: Names | None = None
) -> None:
    """Write `folder`/course_lib for a lesson, whose cells are `lesson` and whose right answers are `answers`.

    `given` names answers that may be read after all: those of exercises that are marked already.
    """
    imported = imports_of(lesson)
    secret: Names = {}
    for answer in answers:
        answer = inspect.unwrap(answer)
        secret.setdefault(answer.__module__, set()).add(answer.__qualname__.partition(".")[0])
        for module, name in made_of(answer):
            if name not in imported.get(module, ()):
                secret.setdefault(module, set()).add(name)
    given = with_their_own(given)
    modules = {*NEEDED, *reachable({*imported, *given})}
    modules |= {parent for module in modules for parent in parents(module)}
    for module in sorted(modules):
        source, is_package = source_of(module)
        path = folder / Path(*module.split("."))
        target = path / "__init__.py" if is_package else path.with_suffix(".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        text, shown = source.read_text("utf-8"), given.get(module, set())
        if module == "course_lib.checks":
            text = CHECKS
        elif module not in NEEDED and module.startswith("course_lib.checks."):
            text = only(text, shown)
        elif module in secret:
            hidden = secret[module] - shown
            text = emptied(text, imported.get(module, set()) | shown, hidden)
        target.write_text(text, "utf-8")
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(target), doraise=True, invalidation_mode=mode)
        if is_package:
            copy_data(source.parent, target.parent)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def made_of(answer: Callable) -> Iterator[tuple[str, str]]:
    """The functions and classes of the course that an answer calls: often they are the answer."""
    todo = [answer.__code__] if inspect.isfunction(answer) else []
    while todo:
        code = todo.pop()
        todo += [inner for inner in code.co_consts if inspect.iscode(inner)]
        for name in code.co_names:
            called = answer.__globals__.get(name)
            module = getattr(called, "__module__", None) or ""
            if callable(called) and ours(module) and not module.startswith("course_lib.checks"):
                yield module, called.__qualname__


def copy_data(source: Path, target: Path) -> None:
    """What lies beside a package's modules: weights, pictures."""
    for path in source.rglob("*"):
        if path.suffix in (".safetensors", ".json", ".svg") and path.is_file():
            there = target / path.relative_to(source)
            if not (path.parent / "__init__.py").exists() or path.parent == source:
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, there)


# ----------------------------------------------------------------------------- which modules, which names


def imports_of(sources: Iterable[str]) -> Names:
    """The modules of course_lib that these sources import, with the names taken from each."""
    found: Names = {}
    for tree in filter(None, map(parse, sources)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if ours(alias.name):
                        found.setdefault(alias.name, set())
            elif isinstance(node, ast.ImportFrom) and ours(node.module or "") and not node.level:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    if exists(inner):
                        found.setdefault(inner, set())
                    else:
                        found.setdefault(node.module, set()).add(alias.name)
    return found


def reachable(modules: Iterable[str]) -> set[str]:
    """These modules and all that they import, the checks and the grader left out."""
    todo, found = [module for module in modules if exists(module)], set()
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += [m for m in imports_of([source_of(module)[0].read_text("utf-8")]) if allowed(m)]
    return {module for module in found if allowed(module) or module in modules}


def allowed(module: str) -> bool:
    return exists(module) and not module.startswith(("course_lib.checks.", "course_lib.grading."))


def ours(module: str) -> bool:
    return module == "course_lib" or module.startswith("course_lib.")


def parents(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def exists(module: str) -> bool:
    return ours(module) and source_of(module)[0].exists()


def source_of(module: str) -> tuple[Path, bool]:
    """Its file, and whether it is a package."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    package = path / "__init__.py"
    return (package, True) if package.exists() else (path.with_suffix(".py"), False)


def parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell of magics
        return None


def with_their_own(given: Names | None) -> Names:
    """`given`, and what these definitions import from elsewhere in the checks."""
    todo, found = [(m, n) for m, names in (given or {}).items() for n in names], {}
    while todo:
        module, name = todo.pop()
        if name not in found.setdefault(module, set()):
            found[module].add(name)
            if module.startswith("course_lib.checks."):
                text = only(source_of(module)[0].read_text("utf-8"), {name})
                todo += [(m, n) for m, names in imports_of([text]).items() for n in names if m not in NEEDED]
    return found


# ---------------------------------------------------------------------------------------- emptied modules


def only(source: str, names: set[str]) -> str:
    """Of a file of checks these definitions, and what they use; none of the catalogue."""
    tree = ast.parse(source)
    kept, body = closure(tree, names, set()), []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            used = [a for a in statement.names if (a.asname or a.name).partition(".")[0] in kept]
            if used:
                statement.names = used
                body.append(statement)
        elif defined(statement) & kept:
            body.append(statement)
    return ast.unparse(ast.fix_missing_locations(ast.Module(body, type_ignores=[])))


def emptied(source: str, keep: set[str], secret: set[str]) -> str:
    """The module with every function's body gone, but for `keep` and what these use; never `secret`."""
    tree = ast.parse(source)
    kept = closure(tree, keep - secret, secret)
    body = [statement if defined(statement) & kept else Empty().visit(statement) for statement in tree.body]
    return ast.unparse(ast.fix_missing_locations(ast.Module(body, type_ignores=[])))


def closure(tree: ast.Module, keep: set[str], secret: set[str]) -> set[str]:
    """`keep` and the names of the module that their definitions read, in turn."""
    todo, found = list(keep), set()
    while todo:
        name = todo.pop()
        if name in found or name in secret:
            continue
        found.add(name)
        for statement in tree.body:
            if name in defined(statement):
                todo += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return found


def defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return {
        node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)
    }


class Empty(ast.NodeTransformer):
    """Takes the bodies of functions and lambdas, and the docstrings, which may hold the formula."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        words = f"{node.name} is not there while an answer is graded: write it yourself"
        node.body = ast.parse(f"raise NotImplementedError({words!r})").body
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        node.body = ast.Constant(None)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node
