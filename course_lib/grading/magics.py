"""Lines that IPython understands and Python does not: `!rm`, `%time`, `%%bash`, `x?`. None of them is run."""

import ast
import re

ESCAPE = re.compile(r"\s*([!%?/,;]|[\w ,.*]+=\s*[!%]\w)|[^#\n]*\?{1,2}\s*$")
PYTHON_CELL = re.compile(r"\s*%%(time|timeit|capture|prun)\b")  # what follows such a line is Python


def without_magics(source: str, exercise: str, notes: list[str]) -> str:
    """The answer with IPython's own lines (`!rm`, `%time`, `%%bash`, `x?`) turned into comments.

    Only a line at which Python's parser stops is touched, so that text and remainders stay as they are.
    """
    lines = source.split("\n")
    suspects = {k for k, line in enumerate(lines) if ESCAPE.match(line[:500])}
    if not suspects:
        return source
    silenced = []
    start = next((k for k, line in enumerate(lines) if line.strip()), 0)
    if lines[start].lstrip().startswith("%%"):
        python = PYTHON_CELL.match(lines[start])
        silenced = list(range(start, start + 1 if python else len(lines)))
        lines = [silent(line) if k in silenced else line for k, line in enumerate(lines)]
    for _ in range(50):
        stop = where_python_stops("\n".join(lines))
        if stop is None or stop not in suspects or stop in silenced:
            break
        silenced.append(stop)
        lines[stop] = silent(lines[stop])
    if silenced:
        first = source.split("\n")[min(silenced)].strip()[:60]
        more = f" and {len(silenced) - 1} more" if len(silenced) > 1 else ""
        notes.append(f"{exercise}: a line that is not Python was not run: {first}{more}")
    return "\n".join(lines)


def silent(line: str) -> str:
    """`pass` keeps the block that the line stood in."""
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}" if line.strip() else line


def where_python_stops(source: str) -> int | None:
    """The line, counted from 0, that the parser does not understand."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return None if error.lineno is None else error.lineno - 1
    except (ValueError, RecursionError, MemoryError):
        return None
    return None
