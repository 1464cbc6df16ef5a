"""Small trained weights that ship with the course: a lesson's own code can run before anything is trained.

    dcgan = load_pretrained("dcgan")
    x = sample_gan(dcgan.nets["G"], draw_codes(16, dcgan.settings["d"]))
    fill(mine, dcgan, "G", lambda net: net(z))  # a student's generator, whatever its layers are called

Each file in weights/ is made by `python scripts/train_weights.py NAME`: half precision, and in its metadata
the settings, what it was trained on, how long, and how good it is. Loaded they are float32 again.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.errors import CourseError
from course_lib.models import cgan, cyclegan, dcgan, unet, vae
from course_lib.models.autoencoder import KLAutoencoder
from course_lib.models.text_unet import TextShape, TextUNet

WEIGHTS = Path(__file__).parent / "weights"
Nets = dict[str, nn.Module]
Settings = Mapping[str, Any]  # as JSON holds them

# ------------------------------------------------------------------------ the networks of each set of weights


def build_vae(s: Settings) -> Nets:
    return {"vae": vae.VAE(s["d"], width=s["width"])}


def build_dcgan(s: Settings) -> Nets:
    return {
        "G": dcgan.make_generator(s["d"], 1, 28, s["maps"], s["smallest"]),
        "D": dcgan.make_discriminator(1, 28, s["maps"], s["smallest"]),
        "G64": dcgan.make_generator(s["d"], 1, 64, s["maps"]),  # what the reader of lesson 03 writes
        "D64": dcgan.make_discriminator(1, 64, s["maps"]),
    }


def build_cgan(s: Settings) -> Nets:
    G, D = cgan.make_conditional_dcgan(s["d"], lambda: cgan.OneHot(10), 10, maps=s["maps"])
    return {"G": G, "D": D}


def build_cyclegan(s: Settings) -> Nets:
    """G makes photos of nights, F nights of photos."""
    return {part: cyclegan.make_small_generator(3, s["maps"], s["blocks"]) for part in ("G", "F")}


def build_ddpm(s: Settings) -> Nets:
    return {"net": unet.UNet(unet.Shape(**shape_of(s["shape"])))}


def build_latent(s: Settings, channels: int = 3) -> Nets:
    autoencoder = KLAutoencoder(s["z"], channels, tuple(s["autoencoder_widths"]), s["autoencoder_blocks"])
    net = TextUNet(len(s["words"]) + 3, s["length"], TextShape(**shape_of(s["shape"])))
    return {"autoencoder": autoencoder, "net": net}


def shape_of(fields: Settings) -> dict[str, Any]:
    """JSON has no tuples: its lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


BUILDERS: dict[str, Callable[[Settings], Nets]] = {
    "vae": build_vae,
    "dcgan": build_dcgan,
    "cgan": build_cgan,
    "cyclegan": build_cyclegan,
    "ddpm": build_ddpm,
    "latent": build_latent,
    "latent-digits": partial(build_latent, channels=1),
}

# ------------------------------------------------------------------------------------------------ the files


@dataclass(frozen=True)
class Pretrained:
    name: str
    nets: Nets  # in eval mode
    settings: dict[str, Any]  # what they were built and trained with
    record: dict[str, Any]  # what they were trained on, for how long, and their scores
    kilobytes: int = 0  # of the file

    def state(self, part: str) -> dict[str, Tensor]:
        """The weights of one network, for another with the same layers."""
        return self.nets[part].state_dict()


def available() -> list[str]:
    """The names of the weights that are here."""
    return [name for name in BUILDERS if path_of(name).exists()]


def path_of(name: str) -> Path:
    return WEIGHTS / f"{name}.safetensors"


def load_pretrained(name: str, path: Path | None = None) -> Pretrained:
    """The networks with their weights, on the CPU. CourseError if there are none, or they are damaged."""
    if name not in BUILDERS:
        raise CourseError(f"There are no weights {name!r}: choose from {', '.join(available())}.")
    path = path_of(name) if path is None else path
    if not path.exists():
        raise CourseError(
            f"The weights {path} are missing: make them with `python scripts/train_weights.py {name}`."
        )
    try:
        with safe_open(path, "pt") as file:
            record = {key: json.loads(value) for key, value in file.metadata().items()}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        nets = BUILDERS[name](record["settings"])
        for part, net in nets.items():
            start = f"{part}."
            state = {k.removeprefix(start): full(v) for k, v in tensors.items() if k.startswith(start)}
            net.load_state_dict(state)
            net.eval()
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError):
        raise CourseError(f"The weights {path} are damaged: install the course again.") from None
    return Pretrained(name, nets, record.pop("settings"), record, round(path.stat().st_size / 1000))


def fill(
    net: nn.Module, kept: Pretrained, part: str, run: Callable[[nn.Module], Any] | None = None
) -> nn.Module:
    """One part's weights into a student's network of the same layers, whatever they are called; returns it.

    By their names where all of them agree. Else layer by layer, in the order in which `run(net)` uses them,
    or without `run` in the order in which they were made. CourseError, and no weight changed, if one does
    not fit.
    """
    theirs = copy.deepcopy(kept.nets[part]).to(next(net.parameters()).device)
    mine, theirs = layers_of(net, run), layers_of(theirs, run)
    if {name: shapes(layer) for name, layer in mine} == {name: shapes(layer) for name, layer in theirs}:
        mine, theirs = sorted(mine, key=itemgetter(0)), sorted(theirs, key=itemgetter(0))
    for a, b in zip_longest(mine, theirs, fillvalue=("nothing", {})):
        if [*shapes(a[1]).values()] != [*shapes(b[1]).values()]:
            raise CourseError(
                f"The course's weights {kept.name!r} do not fit this network: its {described(*a)} stands "
                f"where the course has {described(*b)}, so build it with the layers and sizes of the text."
            )
    for (_, a), (_, b) in zip(mine, theirs, strict=True):
        for to, value in zip(a.values(), b.values(), strict=True):
            to.copy_(value)
    return net


def layers_of(net: nn.Module, run: Callable[[nn.Module], Any] | None) -> list[tuple[str, dict[str, Tensor]]]:
    """Each layer that has weights of its own, with them: in the order of its first use in `run(net)`."""
    used: list[str] = []
    hooks = [
        layer.register_forward_pre_hook(lambda *_, name=name: used.append(name))
        for name, layer in net.named_modules()
    ]
    with evaluating(net):
        if run is not None:
            run(net)
    for hook in hooks:
        hook.remove()
    layers = dict(net.named_modules())
    own = {name: tensors_of(layers[name]) for name in dict.fromkeys([*used, *layers])}
    return [(name, tensors) for name, tensors in own.items() if tensors]


def tensors_of(layer: nn.Module) -> dict[str, Tensor]:
    """A layer's own weights and running statistics, without those of the layers inside it."""
    return {name: value for name, value in layer.state_dict().items() if "." not in name}


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def described(name: str, tensors: Mapping[str, Tensor]) -> str:
    """A layer in words: 3.conv (weight 8x4x3x3, bias 8)."""
    sizes = [f"{key} {'x'.join(map(str, shape))}" for key, shape in shapes(tensors).items() if shape]
    return f"{name} ({', '.join(sizes)})" if sizes else name


def save_pretrained(nets: Nets, path: Path, settings: Settings, record: Settings) -> None:
    """Weights in half precision (running statistics in full); settings and record in the file's metadata."""
    tensors = {}
    for part, net in nets.items():
        learned = dict(net.named_parameters())
        for name, value in net.state_dict().items():
            value = value.detach().cpu().contiguous()
            tensors[f"{part}.{name}"] = half(value) if name in learned else value
    path.parent.mkdir(parents=True, exist_ok=True)
    words = {**record, "settings": dict(settings)}
    save_file(tensors, path, {key: json.dumps(value) for key, value in words.items()})


def half(x: Tensor) -> Tensor:
    """float16, or a ValueError for what it cannot hold."""
    if x.abs().max() > torch.finfo(torch.float16).max:
        raise ValueError(f"a weight of {x.abs().max().item():.3g} does not fit into half precision")
    return x.half()


def full(x: Tensor) -> Tensor:
    return x.float() if x.dtype == torch.float16 else x
