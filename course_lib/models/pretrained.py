"""Small trained weights that ship with the course: a lesson's own code can run before anything is trained.

    dcgan = load_pretrained("dcgan")
    x = sample_gan(dcgan.nets["G"], draw_codes(16, dcgan.settings["d"]))
    mine.load_state_dict(dcgan.state("G"))     # a student's generator of the same layers

Each file in weights/ is made by `python scripts/train_weights.py NAME`: half precision, and in its metadata
the settings, what it was trained on, how long, and how good it is. Loaded they are float32 again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

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
        "G": dcgan.make_generator(s["d"], 1, 28, s["maps"]),
        "D": dcgan.make_discriminator(1, 28, s["maps"]),
    }


def build_cgan(s: Settings) -> Nets:
    G, D = cgan.make_conditional_dcgan(s["d"], lambda: cgan.OneHot(10), 10, maps=s["maps"])
    return {"G": G, "D": D}


def build_cyclegan(s: Settings) -> Nets:
    make = lambda: cyclegan.make_generator(3, s["maps"], s["blocks"], s["downs"])  # noqa: E731
    return {"G": make(), "F": make()}


def build_ddpm(s: Settings) -> Nets:
    return {"net": unet.UNet(unet.Shape(**shape_of(s["shape"])))}


def build_latent(s: Settings) -> Nets:
    autoencoder = KLAutoencoder(s["z"], 3, tuple(s["autoencoder_widths"]), s["autoencoder_blocks"])
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
}

# ------------------------------------------------------------------------------------------------ the files


@dataclass(frozen=True)
class Pretrained:
    name: str
    nets: Nets  # in eval mode
    settings: dict[str, Any]  # what they were built and trained with
    record: dict[str, Any]  # what they were trained on, for how long, and their scores

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
    return Pretrained(name, nets, record.pop("settings"), record)


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
