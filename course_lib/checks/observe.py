"""Run a function on one case and write down what it does: values, gradients, damage, complaints.

Nothing here knows a right answer, so a grader can run this file beside the student's code and judge
elsewhere. An `Observation` is tensors and JSON (`to_data`, `from_data`). Whatever it does is caught.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_lib.checks.exercise import Case, cotangent, fill
from course_lib.checks.faults import Fault, TooManyOperations, arity_fault, fault_of, first_line
from course_lib.checks.inputs import Inputs, width

LEAVES_TORCH = {"item", "tolist", "numpy", "__float__", "__int__", "__array__"}


@dataclass
class Observation:
    """What one call did. A key of `outputs` is "" for a single tensor, else the dict's key or the index."""

    kind: str = "None"  # "tensor", "dict", "tuple" (or list), "number", "network", else the type's name
    outputs: dict[str, Tensor] = field(default_factory=dict)
    again: dict[str, Tensor] = field(default_factory=dict)  # the outputs of a second call
    gradients: dict[str, dict[str, Tensor]] = field(default_factory=dict)  # output -> input -> gradient
    parameters: list[list[int]] = field(default_factory=list)  # shapes, where the answer is a network
    mutated: list[str] = field(default_factory=list)  # inputs that were changed in place
    left_torch: list[str] = field(default_factory=list)  # calls after which no gradient can follow
    operations: int | None = None  # torch calls, where they were counted
    printed: str = ""
    ran_backward: bool = False  # the function called .backward() itself
    fault: Fault | None = None

    def to_data(self) -> tuple[dict[str, Tensor], dict]:
        """-> tensors by name (for safetensors) and facts (for JSON)."""
        pairs = [(key, name) for key, by_input in self.gradients.items() for name in by_input]
        tensors = {f"outputs.{i}": value for i, value in enumerate(self.outputs.values())}
        tensors |= {f"again.{i}": value for i, value in enumerate(self.again.values())}
        tensors |= {f"gradients.{i}": self.gradients[key][name] for i, (key, name) in enumerate(pairs)}
        plain = ("kind", "parameters", "mutated", "left_torch", "operations", "printed", "ran_backward")
        facts = {name: getattr(self, name) for name in plain}
        facts |= {"outputs": list(self.outputs), "again": list(self.again), "gradients": pairs}
        facts["fault"] = asdict(self.fault) if self.fault else None
        return {name: value.contiguous().clone() for name, value in tensors.items()}, facts

    @classmethod
    def from_data(cls, tensors: dict[str, Tensor], facts: dict) -> "Observation":
        facts = dict(facts)
        outputs, again, pairs, fault = (facts.pop(k) for k in ("outputs", "again", "gradients", "fault"))
        seen = cls(**facts, fault=Fault(**fault) if fault else None)
        seen.outputs = {key: tensors[f"outputs.{i}"] for i, key in enumerate(outputs)}
        seen.again = {key: tensors[f"again.{i}"] for i, key in enumerate(again)}
        for i, (key, name) in enumerate(pairs):
            seen.gradients.setdefault(key, {})[name] = tensors[f"gradients.{i}"]
        return seen


class Counting(TorchFunctionMode):
    """Counts torch calls, remembers those that leave torch, and stops a function that makes too many."""

    def __init__(self, most: int):
        super().__init__()
        self.most, self.count, self.left_torch = most, 0, set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name != "__get__":  # .shape and the like
            self.count += 1
            if name in LEAVES_TORCH:
                self.left_torch.add(name)
            if self.count > self.most:
                raise TooManyOperations
        return func(*args, **(kwargs or {}))


def observe_all(fn: object, cases: Sequence[Case]) -> list[Observation]:
    """One observation a case. A function that fails on one case is not tried on the rest.

    Torch calls are counted in the widest case only (counting takes an eighth of the time), and that one comes
    first: an endless loop of torch calls is stopped there. An endless loop of plain Python is not: in a
    notebook that is for the kernel's interrupt, in a grader for the time limit of the process.
    """
    if not callable(fn):
        words = f"hand `check` the function itself, without brackets: it got {type(fn).__name__}"
        return [Observation(fault=Fault("not callable", words))] * len(cases)
    seen = [Observation(fault=Fault("not tried"))] * len(cases)
    widest = max(range(len(cases)), key=lambda i: width(cases[i]))
    for i in sorted(range(len(cases)), key=lambda i: i != widest):
        seen[i] = observe(fn, cases[i], counted=i == widest)
        if seen[i].fault:
            break
    return seen


def observe(fn: Callable, case: Case, counted: bool = True) -> Observation:
    """Call `fn` on the case. Exceptions, prints and the state of the random generators stay in here."""
    seen = Observation()
    inputs = Inputs(case)
    counting = Counting(case.most_operations)
    with kept_random_state(case.seed), kept_output() as printed, torch.enable_grad():
        try:
            with counting if counted else contextlib.nullcontext():
                answer = fn(*inputs.handed.values())
                seen.operations = counting.count if counted else None
                second = fn(*inputs.handed.values()) if case.calls > 1 else None
            seen.mutated, seen.ran_backward = inputs.mutated(), inputs.ran_backward()
            if isinstance(answer, nn.Module):
                with native_kernels():
                    probe_network(answer, case, inputs, seen)
            else:
                seen.kind, live = split(answer)
                seen.again = detached(split(second)[1]) if case.calls > 1 else {}
                record(live, case, {} if case.changes else inputs.leaves, seen)
                seen.outputs |= inputs.after()
        except KeyboardInterrupt:
            raise  # the person at the keyboard means it
        except BaseException as error:
            seen.mutated = seen.mutated or inputs.mutated()
            wrong_call = arity_fault(fn, list(case.args)) if isinstance(error, TypeError) else None
            seen.fault = wrong_call or fault_of(error, fn)
            seen.operations = counting.count if counted else None
    seen.left_torch, seen.printed = sorted(counting.left_torch), printed.getvalue()[:2_000]
    return seen


def split(answer: object) -> tuple[str, dict[str, Tensor]]:
    """What kind of answer it is, and its tensors by key."""
    if isinstance(answer, Tensor):
        return "tensor", {"": answer}
    if isinstance(answer, bool | int | float):
        return "number", {"": torch.tensor(answer, dtype=torch.float64)}
    if isinstance(answer, dict | tuple | list):
        kind = "dict" if isinstance(answer, dict) else "tuple"
        items = answer.items() if isinstance(answer, dict) else enumerate(answer)
        parts = {str(key): split(value) for key, value in items}
        if all(part[0] in ("tensor", "number") for part in parts.values()):
            return kind, {key: tensors[""] for key, (_, tensors) in parts.items()}
        return f"{kind} of {next(part[0] for part in parts.values() if part[0] != 'tensor')}", {}
    return ("None" if answer is None else type(answer).__name__), {}


def record(live: dict[str, Tensor], case: Case, leaves: dict[str, Tensor], seen: Observation) -> None:
    """Write down the outputs and, one output at a time, their gradients."""
    seen.outputs = detached(live)
    for key, out in live.items():
        if not (out.requires_grad and leaves and (out.is_floating_point() or out.is_complex())):
            continue
        try:  # the sum is quicker than grad's own argument for a direction, which makes torch import sympy
            along = (out * cotangent(out.shape, case.seed).to(out)).sum().real
            grads = torch.autograd.grad(along, list(leaves.values()), retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            seen.fault = Fault("no gradient", first_line(error))
            return
        seen.gradients[key] = {
            name: grad.detach().cpu() for name, grad in zip(leaves, grads, strict=True) if grad is not None
        }


def detached(live: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: out.detach().cpu().clone() for key, out in live.items()}


def probe_network(net: nn.Module, case: Case, inputs: Inputs, seen: Observation) -> None:
    """Give the network known weights, send the probe through it, and write down what comes out."""
    seen.kind = "network"
    if case.probe is None:
        return
    probe = case.probe.detach().clone().requires_grad_(case.probe.is_floating_point())
    weights = list(net.parameters())
    if any(isinstance(weight, nn.UninitializedParameter) for weight in weights):
        net(probe)  # lazy layers take their shape here
    layers = list(net.modules())
    forget_running_statistics(layers)
    seen.parameters = [list(weight.shape) for weight in weights]
    fill(net, case.seed)
    out = net(probe)
    kind, live = split(out)
    if kind != "tensor":
        seen.kind = f"network that returns a {kind}"
    record(live, case, {"its input": probe} if probe.requires_grad else {}, seen)
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    if any(isinstance(layer, kinds) for layer in layers):
        seen.outputs |= {
            f"in eval mode{key}": out for key, out in detached(split(net.eval()(probe))[1]).items()
        }


def forget_running_statistics(layers: Sequence[nn.Module]) -> None:
    """What ran through the network before the probe, to find a shape or for a test, leaves no trace."""
    for layer in layers:
        if isinstance(layer, nn.modules.batchnorm._NormBase):
            layer.reset_running_stats()


@contextlib.contextmanager
def native_kernels() -> Iterator[None]:
    """Without oneDNN, which takes longer to prepare a convolution this small than torch takes to do it."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


@contextlib.contextmanager
def kept_random_state(seed: int) -> Iterator[None]:
    """Seed torch's generator on the CPU for the call, and give its state back."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


@contextlib.contextmanager
def kept_output() -> Iterator[io.StringIO]:
    """What is printed in here is kept, not shown: a check calls the function many times."""
    kept = io.StringIO()
    with contextlib.redirect_stdout(kept), contextlib.redirect_stderr(io.StringIO()):
        yield kept
