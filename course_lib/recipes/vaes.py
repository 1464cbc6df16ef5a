"""The models of lesson 01 as recipes."""

from torch import Tensor, nn

from course_lib.device import place
from course_lib.models import vae
from course_lib.recipes.recipe import Model
from course_lib.recipes.worlds import World
from course_lib.training.loop import warm_up_down
from course_lib.types import Images

CODE = {"digits": 16, "faces": 32}  # numbers in a code
BATCH = 128


def likelihood(world: World):
    """Grey digits have a Bernoulli decoder, coloured faces a Gaussian one: (its loss, its mean image)."""
    if world.channels == 1:
        return vae.negative_elbo, vae.bernoulli_mean
    return vae.gaussian_negative_elbo, vae.gaussian_mean


def width(world: World) -> int:
    """Maps of the first convolution."""
    return 64 if world.wide else 32


def build_vae(world: World) -> Model:
    net = place(vae.VAE(CODE[world.name], world.channels, world.size, width(world)))
    loss, to_image = likelihood(world)

    def sample(net: nn.Module, n: int, _: Tensor | None) -> Images:
        return vae.sample_vae(net, n, to_image)

    player = vae.vae_player(net, likelihood=loss)
    return Model({"vae": net}, [player], BATCH, "vae", sample, warm_up_down)


def build_cvae(world: World) -> Model:
    embed = world.embed()
    sizes = CODE[world.name], sum(world.choices), world.channels, world.size, width(world)
    net = place(vae.ConditionalVAE(*sizes))
    loss, to_image = likelihood(world)

    def sample(net: nn.Module, n: int, y: Tensor | None) -> Images:
        return vae.sample_cvae(net, embed(y), to_image)

    player = vae.cvae_player(net, likelihood=loss, condition=lambda batch: embed(batch[world.told]))
    return Model({"cvae": net}, [player], BATCH, "cvae", sample, warm_up_down, conditional=True)
