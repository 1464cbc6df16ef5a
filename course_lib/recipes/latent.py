"""Lesson 07's model as a recipe: diffusion of an autoencoder's codes, told what to draw by a caption.

The autoencoder is trained once and reused: it, the scale of its codes and the words come with the course's
own weights (models/pretrained.py), and a run trains the diffusion alone. What the autoencoder took before is
in no run's budget; the board says so.
"""

import hashlib
from dataclasses import replace

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import fast_precision, pick_device, place
from course_lib.models.ddpm import cosine_schedule
from course_lib.models.latent import LatentSpace, Painter, latent_player
from course_lib.models.pretrained import load_pretrained, path_of
from course_lib.models.text import Vocabulary
from course_lib.models.text_unet import TextShape, TextUNet
from course_lib.recipes.recipe import Borrowed, Model
from course_lib.recipes.worlds import World
from course_lib.training.loop import Player, warm_up_down
from course_lib.types import Batch, Images, Losses

SHIPPED = {"digits": "latent-digits", "faces": "latent"}  # world -> the weights whose autoencoder is reused
SIDES = {"latent-digits": 28, "latent": 64}  # of the pictures that the autoencoder was made for
WIDTHS = {"digits": 64, "faces": 96}  # maps of the U-Net
BATCH = {"digits": 32, "faces": 16}


def load_painter(name: str) -> Painter:
    """All that paints with the course's weights of that name."""
    kept = load_pretrained(name)
    space = LatentSpace(place(kept.nets["autoencoder"]), kept.record["scale"])
    words = Vocabulary(kept.settings["words"], kept.settings["length"])
    schedule = cosine_schedule().to(pick_device())
    return Painter(space, place(kept.nets["net"]), words, schedule, SIDES[name], fast_precision())


def build_latent(world: World) -> Model:
    """Pictures as large as the world's, whatever size the autoencoder was made for."""
    return latent_model(world, world.size)


def latent_model(world: World, side: int) -> Model:
    """The same with pictures of another side."""
    painter = load_painter(SHIPPED[world.name])
    words, space = painter.vocabulary, painter.space
    shape = TextShape(space.net.z, (4 * WIDTHS[world.name] if world.wide else WIDTHS[world.name],))
    net = place(TextUNet(len(words), words.length, replace(shape, blocks=2 if world.wide else 1)))
    player = latent_player(net, painter.schedule)

    def loss(batch: Batch) -> Losses:
        """Encoded anew in every epoch, so that a run which goes on needs no codes but those of its batch."""
        z = space.encode(resized(batch["image"], painter.size))
        tokens = words(world.captions(batch[world.told])).to(z.device)
        return player.loss({"latent": z, "tokens": tokens})

    def paint(net: nn.Module, prompts: list[str]) -> Images:
        return resized(replace(painter, net=net).paint(prompts), side)

    def sample(net: nn.Module, n: int, y: Tensor | None) -> Images:
        return paint(net, world.captions(y))

    players = [Player(player.name, loss, player.optimizer)]
    return Model(
        {"net": net}, players, BATCH[world.name], "net", sample, warm_up_down,
        conditional=True, paint=paint, borrowed=borrowed(SHIPPED[world.name], painter),
    )  # fmt: skip


def resized(x: Images, side: int) -> Float[Tensor, "b c {side} {side}"]:
    """Pixels repeated, or averaged, if the side is a multiple or a part of theirs: one undoes the other."""
    return F.interpolate(x, side, mode="area")


def borrowed(name: str, painter: Painter) -> Borrowed:
    """The decoder, and what must be known of the weights it comes with."""
    path, record = path_of(name), load_pretrained(name).record
    seconds = record.get("autoencoder_seconds", record["processor_seconds"])
    return Borrowed(
        painter.space.net.decoder,
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}",
        f"its autoencoder was trained before, for at most {seconds:,} processor seconds that are not counted "
        "here, and towards the judge's own features",
    )
