"""Train the weights that ship with the course: `python scripts/train_weights.py vae` (or dcgan, cgan, ...).

Each name is a row of JOBS: its settings, and the function that trains with them. It writes
course_lib/models/weights/NAME.safetensors, whose metadata hold the settings, their hash, the data, the
processor seconds and a score. tests/test_pretrained.py compares the hashes, so that weights which are not
those of the settings here are found out.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.data.batches import Batches
from course_lib.data.captions import captions
from course_lib.data.digit_captions import digit_captions
from course_lib.data.digits import digits
from course_lib.data.faces import faces
from course_lib.data.held_out import seen_faces, seen_people, unseen_people
from course_lib.data.unpaired import face_pairs
from course_lib.device import fast_precision, pick_device, place
from course_lib.images import from_uint8, to_uint8
from course_lib.metrics.attributes import attribute_accuracy
from course_lib.metrics.evaluate import Reference, evaluate
from course_lib.metrics.features import digits_extractor, faces_extractor
from course_lib.metrics.perceptual import feature_maps
from course_lib.metrics.similarity import psnr
from course_lib.models import autoencoder, cyclegan, dcgan, latent, unet
from course_lib.models.ddpm import cosine_schedule
from course_lib.models.gan import draw_codes, gan_players, sample_gan, smoothed_discriminator_loss
from course_lib.models.pretrained import BUILDERS, Nets, path_of, save_pretrained
from course_lib.models.text import Vocabulary
from course_lib.models.text_unet import TextShape
from course_lib.recipes.sample import Drawer
from course_lib.recipes.table import find_recipe
from course_lib.recipes.translation import FACES, STYLES
from course_lib.recipes.worlds import find_world
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, Step, train, warm_down, warm_up_down


@dataclass(frozen=True)
class Lesson:
    """A recipe of the command line (course_lib/recipes), trained as its lesson trains it on a CPU."""

    model: str  # the recipe
    steps: int
    rates: dict[str, float]  # Adam's learning rate of each player
    sizes: dict[str, Any]  # what BUILDERS needs to know of the networks
    batch: int | None = None  # None: the recipe's
    data: str = "digits"
    seed: int = 1
    scored: int = 5_000  # images behind a score


@dataclass(frozen=True)
class Dcgan(Lesson):
    """And the networks of 64x64 that lesson 03 has its reader write, on enlarged digits."""

    large_steps: int = 2_500


@dataclass(frozen=True)
class Latent:
    """Lesson 07's: first the autoencoder, alone and then against a discriminator, then the diffusion."""

    seed: int = 1
    faces: int = 8_000
    faces_seed: int = 7
    z: int = 8  # maps of a code
    autoencoder_widths: tuple[int, ...] = (32, 64, 128)
    autoencoder_blocks: int = 1
    autoencoder_batch: int = 8
    autoencoder_steps: int = 2_600
    fooling_steps: int = 400
    shape: dict = field(default_factory=lambda: asdict(TextShape()))
    batch: int = 16
    steps: int = 6_000
    rate: float = 1.5e-3


@dataclass(frozen=True)
class LatentDigits:
    """The quick path to lesson 07, on digits and their captions: an autoencoder, then the diffusion."""

    seed: int = 1
    z: int = 2  # maps of a code
    autoencoder_widths: tuple[int, ...] = (32, 64)
    autoencoder_blocks: int = 1
    autoencoder_batch: int = 32
    autoencoder_steps: int = 3_500
    shape: dict = field(
        default_factory=lambda: asdict(TextShape(channels=2, widths=(64,), d=32, text_blocks=1))
    )
    batch: int = 32
    steps: int = 4_000
    rate: float = 2e-3
    scored: int = 1_000


def run(players: list[Player], batches: Batches, steps: int, schedule=warm_down) -> Iterator[Step]:
    """`train`, with a line every tenth part of the way."""
    for step in train(players, batches, steps, schedule=schedule, precision=fast_precision()):
        if step.index % max(1, steps // 10) == 0:
            said = {name: sum(terms.values()).item() for name, terms in step.losses.items()}
            print(f"step {step.index:,} of {steps:,}: {said}", flush=True)
        yield step


def averaged(net: nn.Module, steps: Iterator[Step], decay: float = 0.999) -> nn.Module:
    """The running average of the net over these steps."""
    ema = EMA(net, decay)
    for _ in steps:
        ema.update()
    return ema.net


def train_lesson(settings: Lesson, nets: Nets) -> tuple[Nets, dict]:
    """The averages of the recipe's networks."""
    world = find_world(settings.data)
    model = find_recipe(settings.model).build(world)
    for player in model.players:
        for group in player.optimizer.param_groups:
            group["lr"] = settings.rates[player.name]
    if model.batches is None:
        batches = Batches(world.load(), settings.batch or model.batch, seed=settings.seed)
    else:
        batches = model.batches(settings.seed)
    steps = run(model.players, batches, settings.steps, model.schedule)
    average = averaged(nn.ModuleDict(model.nets), steps, model.ema)
    for part, net in nets.items():
        net.load_state_dict(average[part].state_dict())
    return nets, score_of(Drawer(settings.model, world, model, nets[model.sampled]), settings.scored)


def train_dcgan(settings: Dcgan, nets: Nets) -> tuple[Nets, dict]:
    _, score = train_lesson(settings, {part: nets[part] for part in ("G", "D")})
    rows = digits("train", verbose=False)["image"][:20_000]
    rows = torch.cat([to_uint8(enlarged(from_uint8(part))) for part in rows.split(1_000)])
    players = gan_players(nets["G64"], nets["D64"], dcgan.DIGITS, smoothed_discriminator_loss)
    batches = Batches({"image": rows}, dcgan.DIGITS.batch, seed=settings.seed)
    pair = nn.ModuleDict({part: nets[part] for part in ("G64", "D64")})
    average = averaged(pair, run(players, batches, settings.large_steps), dcgan.DIGITS.ema)

    return {**nets, **average}, score | {"fid_64": fid_of_large(average["G64"], settings.scored)}


def fid_of_large(G: nn.Module, n: int) -> float:
    """FID of n large samples at 28x28, against test digits that went to 64x64 and back."""

    def shrunk(x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, size=28, mode="area")

    real = shrunk(enlarged(from_uint8(digits("test", verbose=False)["image"])))
    reference = Reference.of("enlarged digits", digits_extractor(), real)
    draw = lambda n: shrunk(sample_gan(G, draw_codes(n, dcgan.DIGITS.d)))  # noqa: E731
    return round(evaluate(draw, reference, n).fid.value, 1)


def enlarged(x: torch.Tensor) -> torch.Tensor:
    """28x28 -> 64x64."""
    return F.interpolate(x, size=64, mode="bilinear")


def score_of(drawer: Drawer, n: int) -> dict:
    """FID of n samples, and of a model that is told what to draw, how often it does."""
    y = drawer.conditions(n, seed=1)
    images = drawer.draw(n, y, seed=1)
    found = {"fid": round(evaluate(images, drawer.world.reference, n).fid.value, 1), "fid_of": n}
    if y is None:
        return found
    return found | {"as_asked": round((drawer.world.read(images) == y).double().mean().item(), 4)}


def train_cyclegan(settings: Lesson, nets: Nets) -> tuple[Nets, dict]:
    """Also how near nights come to the true photos of the same people, whom nobody has learnt from, in dB."""
    nets, score = train_lesson(settings, nets)
    night, photo = (from_uint8(part["image"]) for part in face_pairs(500, seed=5, styles=STYLES))
    found = psnr(cyclegan.translate(nets["G"], night).cpu(), photo).mean().item()
    return nets, score | {"psnr": round(found, 2)}


def face_words() -> Vocabulary:
    """Every word of the captions, and room for the longest: 2,000 faces show them all."""
    return Vocabulary.of(captions(faces(2_000, size=8)))


def train_painter(
    settings: Any, nets: Nets, batches: Batches, vocabulary: Vocabulary, told: list[str], size: int
) -> latent.Painter:
    """The diffusion among the trained autoencoder's codes of all images of `batches`, told their captions."""
    images, precision = batches.data["image"], fast_precision()
    with precision():
        space = latent.LatentSpace.of(nets["autoencoder"], batches.batch(0)["image"])
    rows = {
        "image": images[:, :, :1, :1].contiguous(),  # a batch has an image; the codes are what is used
        "latent": space.encode_all((from_uint8(part) for part in images.split(250)), precision),
        "tokens": vocabulary(told),
    }
    schedule = cosine_schedule()
    player = latent.latent_player(nets["net"], schedule, settings.rate)
    steps = run([player], Batches(rows, settings.batch, seed=settings.seed), settings.steps, warm_up_down)
    net = averaged(nets["net"], steps)
    return latent.Painter(space, net, vocabulary, schedule, size, precision)


def train_latent(settings: Latent, nets: Nets) -> tuple[Nets, dict]:
    data = seen_faces(settings.faces, size=64, seed=settings.faces_seed)
    net, maps = nets["autoencoder"], feature_maps(faces_extractor(pick_device()))
    batches = Batches(data, settings.autoencoder_batch, seed=settings.seed)
    players = [autoencoder.autoencoder_player(net, maps)]
    for _ in run(players, batches, settings.autoencoder_steps, warm_up_down):
        pass
    D = place(cyclegan.make_discriminator(3, 32, downs=1))
    for _ in run(autoencoder.autoencoder_players(net, D, maps), batches, settings.fooling_steps):
        pass

    painter = train_painter(settings, nets, batches, face_words(), captions(data), 64)
    space = painter.space
    truth = from_uint8(faces(500, size=64, seed=settings.faces_seed + 1)["image"])
    score = {
        "scale": space.scale,
        "psnr": round(psnr(autoencoder.reconstruct(net, truth), truth).mean().item(), 2),
    }
    for name, people in (("seen", seen_people), ("unseen", unseen_people)):
        asked = people(200, torch.Generator().manual_seed(settings.seed))
        found = attribute_accuracy(painter.paint(captions(asked)), asked)
        score[name] = round(sum(share.value for share in found.values()) / len(found), 4)
    return {"autoencoder": net, "net": painter.net}, score


def digit_words() -> Vocabulary:
    return Vocabulary.of(digit_captions(torch.arange(10)))


def train_latent_digits(settings: LatentDigits, nets: Nets) -> tuple[Nets, dict]:
    data = digits("train")
    net, maps = nets["autoencoder"], feature_maps(digits_extractor(pick_device()))
    batches = Batches(data, settings.autoencoder_batch, seed=settings.seed)
    began = time.process_time()
    players = [autoencoder.autoencoder_player(net, maps)]
    for _ in run(players, batches, settings.autoencoder_steps, warm_up_down):
        pass
    seconds = round(time.process_time() - began)

    painter = train_painter(settings, nets, batches, digit_words(), digit_captions(data["label"]), 28)
    asked = torch.arange(settings.scored) % 10
    images = torch.cat([painter.paint(digit_captions(part)) for part in asked.split(250)])
    truth = from_uint8(digits("test", verbose=False)["image"][:500])
    return {"autoencoder": net, "net": painter.net}, {
        "scale": painter.space.scale,
        "autoencoder_seconds": seconds,
        "psnr": round(psnr(autoencoder.reconstruct(net, truth), truth).mean().item(), 2),
        "fid": round(evaluate(images, "digits", settings.scored).fid.value, 1),
        "fid_of": settings.scored,
        "as_asked": round((find_world("digits").read(images) == asked).double().mean().item(), 4),
    }


JOBS: dict[str, tuple[object, Callable]] = {
    "vae": (Lesson("vae", 4_000, {"vae": 2e-3}, {"d": 16, "width": 32}, batch=64), train_lesson),
    "dcgan": (
        Dcgan("dcgan", 3_200, {"G": 2e-3, "D": 1e-3}, {"d": 32, "maps": 16, "smallest": 4}),
        train_dcgan,
    ),
    "cgan": (Lesson("cgan", 1_900, {"G": 2e-3, "D": 1e-3}, {"d": 32, "maps": 32}), train_lesson),
    "cyclegan": (
        Lesson("cyclegan", 2_000, {"G": 2e-3, "D": 1e-3}, {"maps": 32, "blocks": 3}, data="faces"),
        train_cyclegan,
    ),
    "ddpm": (
        Lesson("ddpm", 4_500, {"ddpm": 2e-3}, {"shape": asdict(unet.DIGITS), "times": 500}, scored=1_000),
        train_lesson,
    ),
    "latent": (Latent(), train_latent),
    "latent-digits": (LatentDigits(), train_latent_digits),
}


def settings_hash(name: str) -> str:
    """Tells weights that were trained with other settings than the script has now."""
    words = name + json.dumps(asdict(JOBS[name][0]))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def trained_on(settings: object) -> int:
    """How many images."""
    if isinstance(settings, Latent):
        return settings.faces
    faces = isinstance(settings, Lesson) and settings.data == "faces"
    return FACES if faces else len(digits("train", verbose=False)["image"])


def train_weights(name: str) -> None:
    settings, job = JOBS[name]
    torch.manual_seed(settings.seed)
    fields = asdict(settings)
    fields |= fields.pop("sizes", {})
    if isinstance(settings, Latent | LatentDigits):
        vocabulary = face_words() if isinstance(settings, Latent) else digit_words()
        fields |= {"words": list(vocabulary.words), "length": vocabulary.length}
    nets = {part: place(net) for part, net in BUILDERS[name](fields).items()}
    began = time.process_time()
    nets, score = job(settings, nets)
    record = {
        **score,
        "trained_on": trained_on(settings),
        "settings_hash": settings_hash(name),
        "processor_seconds": round(time.process_time() - began),
        "torch": torch.__version__.split("+")[0],
    }
    save_pretrained(nets, path_of(name), fields, record)
    print(json.dumps(record))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in JOBS:
        sys.exit(f"Say which: python scripts/train_weights.py {' or '.join(JOBS)}")
    train_weights(sys.argv[1])
