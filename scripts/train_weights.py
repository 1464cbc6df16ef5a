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

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.data.captions import captions
from course_lib.data.digits import digits
from course_lib.data.faces import faces
from course_lib.data.held_out import seen_faces, seen_people, unseen_people
from course_lib.device import fast_precision, pick_device, place
from course_lib.images import from_uint8
from course_lib.metrics.attributes import attribute_accuracy
from course_lib.metrics.evaluate import conditional_accuracy, evaluate
from course_lib.metrics.features import digits_extractor, faces_extractor
from course_lib.metrics.perceptual import feature_maps
from course_lib.metrics.similarity import psnr
from course_lib.models import autoencoder, cgan, cyclegan, dcgan, latent, unet, vae
from course_lib.models.ddpm import V, cosine_schedule, ddpm_player, denoiser
from course_lib.models.gan import draw_codes, gan_players, sample_gan
from course_lib.models.pretrained import BUILDERS, Nets, path_of, save_pretrained
from course_lib.models.samplers import guided, sample_dpm_solver
from course_lib.models.text import Vocabulary
from course_lib.models.text_unet import TextShape
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, Step, train, warm_down, warm_up_down

SCORED = 5_000  # images behind a score


@dataclass(frozen=True)
class Vae:
    """Lesson 01's."""

    seed: int = 1
    d: int = 16  # numbers in a code
    width: int = 32  # maps of the first convolution
    batch: int = 64
    steps: int = 4_000


@dataclass(frozen=True)
class Dcgan:
    """Lesson 03's form for 28x28."""

    seed: int = 1
    d: int = 32
    maps: int = 32
    batch: int = 64
    steps: int = 4_000


@dataclass(frozen=True)
class Cgan(Dcgan):
    """Lesson 04's convolutional one, with the matching-aware discriminator."""


@dataclass(frozen=True)
class Ddpm:
    """Lesson 06's, with labels that are dropped now and then."""

    seed: int = 1
    shape: dict = field(default_factory=lambda: asdict(unet.DIGITS))
    batch: int = 64
    steps: int = 2_500
    rate: float = 2e-3


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


def digit_batches(settings) -> Batches:
    return Batches(digits("train"), settings.batch, seed=settings.seed)


def fid(sample) -> float:
    return round(evaluate(sample, "digits", SCORED).fid.value, 1)


def train_vae(settings: Vae, nets: Nets) -> tuple[Nets, dict]:
    net = nets["vae"]
    for _ in run([vae.vae_player(net)], digit_batches(settings), settings.steps, warm_up_down):
        pass
    return nets, {"fid": fid(lambda n: vae.sample_vae(net, n))}


def train_dcgan(settings: Dcgan, nets: Nets) -> tuple[Nets, dict]:
    G, D = nets["G"], nets["D"]
    steps = run(gan_players(G, D, dcgan.DIGITS), digit_batches(settings), settings.steps)
    average = averaged(G, steps, dcgan.DIGITS.ema)
    score = fid(lambda n: sample_gan(average, draw_codes(n, settings.d)))
    return {"G": average, "D": D}, {"fid": score}


def train_cgan(settings: Cgan, nets: Nets) -> tuple[Nets, dict]:
    G, D, game = nets["G"], nets["D"], cgan.CONVOLUTIONAL_DIGITS
    average = averaged(
        G, run(cgan.matching_players(G, D, game), digit_batches(settings), settings.steps), game.ema
    )
    draw = lambda y: sample_gan(average, draw_codes(len(y), settings.d), y)  # noqa: E731
    asked = torch.arange(10).repeat(100)
    accuracy = conditional_accuracy(draw(asked), asked, digits_extractor()).value
    score = fid(lambda n: draw(torch.randint(10, (n,))))
    return {"G": average, "D": D}, {"fid": score, "as_asked": round(accuracy, 4)}


def train_ddpm(settings: Ddpm, nets: Nets) -> tuple[Nets, dict]:
    net, schedule = nets["net"], cosine_schedule()
    players = [ddpm_player(net, schedule, settings.rate, V)]
    average = averaged(net, run(players, digit_batches(settings), settings.steps, warm_up_down))

    def draw(y: torch.Tensor) -> torch.Tensor:
        said = denoiser(guided(average, 2.0), schedule, y, prediction=V, precision=fast_precision())
        return sample_dpm_solver(said, torch.randn(len(y), 1, 28, 28), schedule, 20)

    asked = torch.arange(10).repeat(25)
    accuracy = conditional_accuracy(draw(asked), asked, digits_extractor()).value
    score = round(evaluate(lambda n: draw(torch.randint(10, (n,))), "digits", 1_000).fid.value, 1)
    return {"net": average}, {"fid": score, "fid_of": 1_000, "as_asked": round(accuracy, 4)}


def face_words() -> Vocabulary:
    """Every word of the captions, and room for the longest: 2,000 faces show them all."""
    return Vocabulary.of(captions(faces(2_000, size=8)))


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

    precision = fast_precision()
    with precision():
        space = latent.LatentSpace.of(net, batches.batch(0)["image"])
    parts = (from_uint8(part) for part in data["image"].split(250))
    vocabulary = face_words()
    rows = {
        "image": data["image"][:, :, :1, :1].contiguous(),  # a batch has an image; the codes are what is used
        "latent": space.encode_all(parts, precision),
        "tokens": vocabulary(captions(data)),
    }
    schedule = cosine_schedule()
    player = latent.latent_player(nets["net"], schedule, settings.rate)
    steps = run([player], Batches(rows, settings.batch, seed=settings.seed), settings.steps, warm_up_down)
    nets = {"autoencoder": net, "net": averaged(nets["net"], steps)}
    painter = latent.Painter(space, nets["net"], vocabulary, schedule, precision=precision)
    truth = from_uint8(faces(500, size=64, seed=settings.faces_seed + 1)["image"])
    score = {
        "scale": space.scale,
        "psnr": round(psnr(autoencoder.reconstruct(net, truth), truth).mean().item(), 2),
    }
    for name, people in (("seen", seen_people), ("unseen", unseen_people)):
        asked = people(200, torch.Generator().manual_seed(settings.seed))
        found = attribute_accuracy(painter.paint(captions(asked)), asked)
        score[name] = round(sum(share.value for share in found.values()) / len(found), 4)
    return nets, score


JOBS: dict[str, tuple[object, Callable]] = {
    "vae": (Vae(), train_vae),
    "dcgan": (Dcgan(), train_dcgan),
    "cgan": (Cgan(), train_cgan),
    "ddpm": (Ddpm(), train_ddpm),
    "latent": (Latent(), train_latent),
}


def settings_hash(name: str) -> str:
    """Tells weights that were trained with other settings than the script has now."""
    words = name + json.dumps(asdict(JOBS[name][0]))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def train_weights(name: str) -> None:
    settings, job = JOBS[name]
    torch.manual_seed(settings.seed)
    fields = asdict(settings)
    if name == "latent":
        vocabulary = face_words()
        fields |= {"words": list(vocabulary.words), "length": vocabulary.length}
    nets = {part: place(net) for part, net in BUILDERS[name](fields).items()}
    began = time.process_time()
    nets, score = job(settings, nets)
    data = settings.faces if name == "latent" else len(digits("train", verbose=False)["image"])
    record = {
        **score,
        "trained_on": data,
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
