"""The models of lesson 05 as recipes: faces by day from faces by night, of people that nobody learnt from.

What is scored are translations of people that no model has seen; how like the *right* photo they are is
lesson 05's question, not the board's.
"""

from functools import partial

from torch import Tensor, nn

from course_lib.data.faces import draw_faces, random_faces
from course_lib.data.unpaired import PairedBatches, UnpairedBatches, face_domains, face_pairs
from course_lib.device import pick_device, place
from course_lib.models import cyclegan, pix2pix
from course_lib.models.cyclegan import CycleGAN, linear_decay
from course_lib.recipes.recipe import Model
from course_lib.recipes.worlds import World
from course_lib.types import Images

STYLES = ("night", "photo")
FACES = 4_000  # of each kind to learn from
BATCH = 16
GAME = cyclegan.Game(identity=0.0, generator_rate=2e-3, discriminator_rate=1e-3)
PAIR_GAME = pix2pix.PairGame(generator_rate=1e-3, discriminator_rate=2e-4)


def by_day(G: nn.Module, n: int, _: Tensor | None, size: int = 32) -> Images:
    """n people by night, translated; new ones at each call."""
    return cyclegan.translate(G, draw_faces(random_faces(n), size, STYLES[0]).to(pick_device()))


def maps(world: World) -> int:
    return 64 if world.wide else 32


def build_cyclegan(world: World) -> Model:
    nets = CycleGAN(
        partial(cyclegan.make_small_generator, world.channels, maps(world)),
        partial(cyclegan.make_discriminator, world.channels, maps(world), 1, norm=cyclegan.one_group),
    )
    parts = {name: place(net) for name, net in nets.named_children()}

    def batches(seed: int) -> UnpairedBatches:
        return UnpairedBatches(face_domains(FACES, test=1, styles=STYLES).train, BATCH, seed=seed)

    players = cyclegan.cyclegan_players(nets, GAME)
    return Model(parts, players, BATCH, "G", by_day, linear_decay, GAME.ema, batches=batches)


def build_pix2pix(world: World) -> Model:
    G = place(pix2pix.make_unet(world.channels, maps(world), downs=4, dropout=0.0))
    D = place(pix2pix.make_pair_discriminator(world.channels, maps(world), 1))

    def batches(seed: int) -> PairedBatches:
        return PairedBatches(face_pairs(FACES, styles=STYLES), BATCH, seed=seed)

    players = pix2pix.pix2pix_players(G, D, PAIR_GAME)
    nets = {"G": G, "D": D}
    return Model(nets, players, BATCH, "G", by_day, linear_decay, PAIR_GAME.ema, batches=batches)
