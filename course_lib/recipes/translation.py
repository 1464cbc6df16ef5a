"""The models of lesson 05 as recipes: faces from sketches of other people than those they learnt from.

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

STYLES = ("sketch", "photo")
FACES = 5_000  # of each kind to learn from
BATCH = 16
GAME = cyclegan.Game(generator_rate=1e-3, discriminator_rate=5e-4)
PAIR_GAME = pix2pix.PairGame(generator_rate=1e-3, discriminator_rate=5e-4)


def of_a_sketch(G: nn.Module, n: int, _: Tensor | None, size: int = 32) -> Images:
    """Translations of sketches of n people, new ones at each call."""
    return cyclegan.translate(G, draw_faces(random_faces(n), size, "sketch").to(pick_device()))


def maps(world: World) -> int:
    return 64 if world.wide else 32


def build_cyclegan(world: World) -> Model:
    nets = CycleGAN(
        partial(cyclegan.make_small_generator, world.channels, 2 * maps(world)),
        partial(cyclegan.make_discriminator, world.channels, maps(world), 1),
    )
    parts = {name: place(net) for name, net in nets.named_children()}

    def batches(seed: int) -> UnpairedBatches:
        return UnpairedBatches(face_domains(FACES, test=1, styles=STYLES).train, BATCH, seed=seed)

    players = cyclegan.cyclegan_players(nets, GAME)
    return Model(parts, players, BATCH, "G", of_a_sketch, linear_decay, GAME.ema, batches=batches)


def build_pix2pix(world: World) -> Model:
    G = place(cyclegan.make_small_generator(world.channels, 2 * maps(world)))
    D = place(pix2pix.make_pair_discriminator(world.channels, maps(world), 1))

    def batches(seed: int) -> PairedBatches:
        return PairedBatches(face_pairs(FACES, styles=STYLES), BATCH, seed=seed)

    players = pix2pix.pix2pix_players(G, D, PAIR_GAME)
    nets = {"G": G, "D": D}
    return Model(nets, players, BATCH, "G", of_a_sketch, linear_decay, PAIR_GAME.ema, batches=batches)
