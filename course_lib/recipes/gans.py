"""The models of lessons 02 to 04 as recipes."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from course_lib.device import place
from course_lib.models import cgan, dcgan, gan, vaegan
from course_lib.models.gan import Game, draw_codes, sample_gan
from course_lib.recipes.recipe import Model
from course_lib.recipes.worlds import World
from course_lib.training.loop import Player
from course_lib.types import Images

CRITIC = Game(k=5, betas=(0.0, 0.9), generator_rate=1e-3, discriminator_rate=1e-3)  # arXiv:1704.00028

Players = Callable[[nn.Module, nn.Module, Game], list[Player]]


def of_game(G: nn.Module, D: nn.Module, game: Game, players: Players) -> Model:
    """A model of two networks, where G draws from codes and, if it is told one, a condition."""
    G, D = place(G), place(D)

    def sample(G: nn.Module, n: int, y: Tensor | None) -> Images:
        return sample_gan(G, draw_codes(n, game.d), *([] if y is None else [y]))

    return Model({"G": G, "D": D}, players(G, D, game), game.batch * game.k, "G", sample, ema=game.ema)


def plain(world: World, game: Game, players: Players) -> Model:
    widths = (512, 1024) if world.wide else (256, 512)
    G = gan.make_generator(game.d, world.channels, world.size, widths)
    return of_game(G, gan.make_discriminator(world.channels, world.size, widths[::-1]), game, players)


def maps(world: World) -> int:
    """Maps at half the size of the image, of convolutional networks."""
    return 64 if world.wide else 32


def smoothed(G: nn.Module, D: nn.Module, game: Game) -> list[Player]:
    return gan.gan_players(G, D, game, d_loss=gan.smoothed_discriminator_loss)


def least_squares(G: nn.Module, D: nn.Module, game: Game) -> list[Player]:
    losses = gan.least_squares_discriminator_loss, gan.least_squares_generator_loss
    return gan.gan_players(G, D, game, *losses)


def build_gan(world: World) -> Model:
    return plain(world, gan.DIGITS, smoothed)


def build_lsgan(world: World) -> Model:
    return plain(world, gan.DIGITS, least_squares)


def build_wgan(world: World) -> Model:
    return plain(world, CRITIC, gan.wasserstein_players)


def build_dcgan(world: World) -> Model:
    """Lesson 03's: down to maps of 4x4 (three stages), half as wide for digits, which need less."""
    game, width = dcgan.DIGITS, maps(world) // (2 if world.channels == 1 else 1)
    G = dcgan.make_generator(game.d, world.channels, world.size, width, smallest=4)
    D = dcgan.make_discriminator(world.channels, world.size, width, smallest=4)
    return of_game(G, D, game, smoothed)


def build_cgan(world: World) -> Model:
    game = cgan.CONVOLUTIONAL_DIGITS
    sizes = sum(world.choices), world.channels, world.size, maps(world)
    G, D = cgan.make_conditional_dcgan(game.d, world.embed, *sizes)
    another = cgan.another_digit if world.told == "label" else cgan.another_row

    def players(G: nn.Module, D: nn.Module, game: Game) -> list[Player]:
        return cgan.matching_players(G, D, game, world.told, another)

    return replace(of_game(G, D, game, players), conditional=True)


def build_vaegan(world: World) -> Model:
    game = vaegan.DIGITS
    E = place(vaegan.Encoder(game.d, world.channels, world.size, maps(world)))
    D = place(vaegan.FeatureDiscriminator(world.channels, world.size, maps(world)))
    model = of_game(
        dcgan.make_generator(game.d, world.channels, world.size, maps(world)), D, game,
        lambda G, D, game: vaegan.vaegan_players(E, G, D, game),
    )  # fmt: skip
    return replace(model, nets=model.nets | {"E": E})
