"""CycleGAN: two translators and two judges, learned from two heaps of images without a single pair.

Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, arXiv:1703.10593
(equation and section numbers are theirs). Mao et al., Least Squares GAN, arXiv:1611.04076.
Shrivastava et al., Learning from Simulated and Unsupervised Images, arXiv:1612.07828 (the pool of old fakes).

x is an image of domain X, y one of domain Y; G translates X to Y and F translates back. D_Y tells real y from
G(x), D_X real x from F(y). A discriminator judges overlapping patches: it says one number for each, not one
for the image. With instance norm no image of a batch knows of the others, so batches may be joined freely.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.models.gan import adam, frozen
from course_lib.training.loop import Player
from course_lib.types import Batch, Images, Losses, Scalar

Patches = Float[Tensor, "b 1 p q"]  # near 1: D takes this patch for real; near 0: for a fake
Translator = Callable[[Tensor], Tensor]
Judge = Callable[[Tensor], Tensor]

# ---------------------------------------------------------------------------------------------- networks


class Block(nn.Module):
    """x + h(x): h is two 3x3 convolutions with mirrored borders and instance norm, and a ReLU between."""

    def __init__(self, maps: int):
        super().__init__()
        self.h = nn.Sequential(*convolution(maps, maps), nn.ReLU(), *convolution(maps, maps))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.h(x)


def convolution(a: int, b: int, kernel: int = 3) -> list[nn.Module]:
    """a maps -> b maps of the same side, then instance norm."""
    return [nn.Conv2d(a, b, kernel, padding=kernel // 2, padding_mode="reflect"), nn.InstanceNorm2d(b)]


def make_generator(channels: int = 3, maps: int = 64, blocks: int = 9, downs: int = 2) -> nn.Sequential:
    """Images -> images of the same size, sides a multiple of 2**downs (section 7.2, appendix).

    With the defaults 3 -> 64 at full size, 128 at half, 256 at a quarter, nine blocks there, and back:
    11,378,179 parameters. There are no skip connections but those inside the blocks.
    """
    layers: list[nn.Module] = [*convolution(channels, maps, 7), nn.ReLU()]
    for i in range(downs):
        a = maps * 2**i
        layers += [nn.Conv2d(a, 2 * a, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * a), nn.ReLU()]
    layers += [Block(maps * 2**downs) for _ in range(blocks)]
    for i in reversed(range(downs)):
        a = maps * 2**i
        up = nn.ConvTranspose2d(2 * a, a, 3, stride=2, padding=1, output_padding=1)
        layers += [up, nn.InstanceNorm2d(a), nn.ReLU()]
    last = nn.Conv2d(maps, channels, 7, padding=3, padding_mode="reflect")
    return nn.Sequential(*layers, last, nn.Tanh())


class Retouch(nn.Module):
    """tanh(arctanh(x) + h(x)): h says what to change, and where it says 0 the image stays as it is."""

    def __init__(self, h: nn.Module):
        super().__init__()
        self.h = h

    def forward(self, x: Images) -> Images:
        return torch.tanh(torch.atanh(0.98 * x.float().clamp(-1, 1)) + self.h(x).float())


def make_small_generator(channels: int = 3, maps: int = 32, blocks: int = 3) -> Retouch:
    """The same idea for 32x32 and minutes on a CPU; images -> images of the same size, even sides.

    Three things differ. Each 2x2 pixels become one (pixel unshuffle), so that all work is done at half the
    side. One norm goes over all maps of an image: in so small a picture a map's average *is* what it says
    (the colour of the background, say), and instance norm would take it away. And the net starts as the
    identity and learns what to change (`Retouch`), which the paper's must first learn to draw.
    """

    def wide(a: int, b: int) -> list[nn.Module]:
        return [nn.Conv2d(a, b, 3, padding=1), one_group(b)]

    layers = [nn.PixelUnshuffle(2), *wide(4 * channels, maps), nn.ReLU()]
    layers += [Sum(nn.Sequential(*wide(maps, maps), nn.ReLU(), *wide(maps, maps))) for _ in range(blocks)]
    last = nn.Conv2d(maps, 4 * channels, 3, padding=1)
    nn.init.normal_(last.weight, 0.0, 0.003)
    nn.init.zeros_(last.bias)
    return Retouch(nn.Sequential(*layers, last, nn.PixelShuffle(2)))


class Sum(nn.Module):
    """x + h(x)."""

    def __init__(self, h: nn.Module):
        super().__init__()
        self.h = h

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.h(x)


def one_group(maps: int) -> nn.GroupNorm:
    """One norm over all maps of an image: the small networks' instance norm."""
    return nn.GroupNorm(1, maps)


def make_discriminator(
    channels: int = 3,
    maps: int = 64,
    downs: int = 3,
    norm: Callable[[int], nn.Module] = nn.InstanceNorm2d,
) -> nn.Sequential:
    """Images -> one number for each patch, (b, 1, h', w'): `downs` halvings and two convolutions more.

    With the defaults a number depends on 70x70 pixels, and D has 2,764,737 parameters; with downs=1 on 16x16,
    with downs=2 on 34x34. No norm behind the first convolution, LeakyReLU 0.2, no sigmoid.
    """
    layers: list[nn.Module] = [nn.Conv2d(channels, maps, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    a = maps
    for i in range(1, downs + 1):
        b, stride = min(maps * 2**i, 8 * maps), 2 if i < downs else 1
        layers += [nn.Conv2d(a, b, 4, stride=stride, padding=1), norm(b), nn.LeakyReLU(0.2)]
        a = b
    return nn.Sequential(*layers, nn.Conv2d(a, 1, 4, stride=1, padding=1))


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """The side of the patch that one output of a stack of convolutions sees; layers are (kernel, stride).

    Seen from the output, a layer turns r pixels of its output into (r - 1) * stride + kernel of its input.
    """
    side = 1
    for kernel, stride in reversed(layers):
        side = (side - 1) * stride + kernel
    return side


def patch_size(kernel: int = 4, halvings: int = 3) -> int:
    """The side of `make_discriminator`'s patches: `halvings` layers of stride 2, then two of stride 1."""
    return receptive_field([(kernel, 2)] * halvings + [(kernel, 1)] * 2)


def measured_field(net: nn.Module, size: int, channels: int = 3) -> tuple[int, int]:
    """Height and width of the patch that the middle output really depends on, by its gradient.

    `size` is the side of the picture to try it on: larger than the patch. Instance norm looks at the whole
    picture, so it is left out: only the convolutions count.
    """
    layers = [layer for layer in net.modules() if not any(layer.children())]
    bare = nn.Sequential(*(layer for layer in layers if isinstance(layer, nn.Conv2d | nn.LeakyReLU)))
    weight = next(bare.parameters())
    x = torch.randn(1, channels, size, size, device=weight.device, dtype=weight.dtype, requires_grad=True)
    out = bare(x)
    (slope,) = torch.autograd.grad(out[0, 0, out.shape[2] // 2, out.shape[3] // 2], x)
    seen = (slope[0].abs().sum(0) > 0).nonzero()
    height, width = (seen.amax(0) - seen.amin(0) + 1).tolist()
    return height, width


@torch.no_grad()
def initialise(net: nn.Module) -> nn.Module:
    """Convolutions from N(0, 0.02), biases 0 (appendix); returns the net."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0.0, 0.02)
            if layer.bias is not None:
                layer.bias.zero_()
    return net


class CycleGAN(nn.Module):
    """The four networks of a pair of domains: `G` X -> Y, `F` Y -> X, and the judges `D_X` and `D_Y`."""

    def __init__(self, generator: Callable[[], nn.Module], discriminator: Callable[[], nn.Module]):
        super().__init__()
        self.G, self.F = generator(), generator()
        self.D_X, self.D_Y = discriminator(), discriminator()


# ------------------------------------------------------------------------------------------------ losses


def discriminator_loss(real: Tensor, fake: Tensor) -> Losses:
    """Half of (D(y) - 1)^2 and of D(G(x))^2, averaged over patches (section 4: halved to slow D down)."""
    return {"real": 0.5 * (real.float() - 1).square().mean(), "fake": 0.5 * fake.float().square().mean()}


def fool_loss(fake: Tensor) -> Scalar:
    """(D(G(x)) - 1)^2, averaged over patches (section 4)."""
    return (fake.float() - 1).square().mean()


def cycle_loss(G: Translator, F: Translator, x: Tensor, y: Tensor) -> Scalar:
    """Eq. (2): |F(G(x)) - x| + |G(F(y)) - y|, each averaged over pixels; in units of a pixel's value."""
    return distance(F(G(x)), x) + distance(G(F(y)), y)


def distance(a: Tensor, b: Tensor) -> Scalar:
    """The L1 distance, averaged over all pixels."""
    return (a.float() - b.float()).abs().mean()


def identity_loss(G: Translator, F: Translator, x: Tensor, y: Tensor) -> Scalar:
    """|G(y) - y| + |F(x) - x| (section 5.2): what is in the target domain already should stay as it is."""
    return distance(G(y), y) + distance(F(x), x)


# ------------------------------------------------------------------------------------------------ players


@dataclass(frozen=True)
class Game:
    """How a CycleGAN is played. The defaults are the paper's."""

    cycle: float = 10.0  # lambda of eq. (3); 0: what lesson 05 breaks on purpose
    identity: float = 0.5  # weight of the identity loss, as a share of `cycle`; 0 saves a third of the time
    pool: int = 50  # old fakes kept for each discriminator; 0: none
    generator_rate: float = 2e-4  # Adam's learning rates
    discriminator_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema: float = 0.99  # decay of the averaged generators that are looked at


def exchange(
    pool: Float[Tensor, "n *image"],
    fakes: Float[Tensor, "b *image"],
    coin: Bool[Tensor, " b"],
    place: Int[Tensor, " b"],
) -> tuple[Float[Tensor, "b *image"], Float[Tensor, "n *image"]]:
    """What D is shown, and the pool afterwards, where the pool is full and no seat is drawn twice.

    Where the coin shows True, D sees the old fake at `place` and the new one takes its seat; elsewhere D sees
    the new fake and the pool stays as it is.
    """
    shown, after, seats = fakes.clone(), pool.clone(), place[coin]
    shown[coin], after[seats] = pool[seats], fakes[coin]
    return shown, after


class Pool:
    """The last fakes that D was shown, so that it does not forget what G used to do (section 4).

    Until it is full it keeps every fake and shows it; then half of what it shows is old (`exchange`).
    """

    def __init__(self, size: int = 50):
        self.size, self.images = size, None

    def __call__(self, fakes: Images) -> Images:
        fakes = fakes.detach()
        if self.size == 0:
            return fakes
        room = self.size - (0 if self.images is None else len(self.images))
        shown, rest = [fakes[:room]], fakes[room:]
        if room:
            self.images = shown[0].clone() if self.images is None else torch.cat([self.images, shown[0]])
        for part in rest.split(self.size) if len(rest) else ():
            coin, place = torch.rand(len(part)) < 0.5, torch.randperm(self.size)[: len(part)]
            some, self.images = exchange(self.images, part, coin, place)
            shown.append(some)
        return torch.cat(shown)


def cyclegan_players(nets: CycleGAN, game: Game | None = None) -> list[Player]:
    """Both generators move together, then both discriminators, on batches of {"image": x, "other": y}.

    D is shown the fakes that G made in its own turn, or older ones from the pool: nothing is made twice.
    """
    game = Game() if game is None else game
    pools, made = (Pool(game.pool), Pool(game.pool)), {}

    def generators(batch: Batch) -> Losses:
        x, y = batch["image"], batch["other"]
        with frozen(nets.D_X), frozen(nets.D_Y):
            losses, made["x"], made["y"] = generator_turn(nets, x, y, game)
        return losses

    def discriminators(batch: Batch) -> Losses:
        x, y = batch["image"], batch["other"]
        on_x = judge(nets.D_X, x, pools[0](made["x"]))
        on_y = judge(nets.D_Y, y, pools[1](made["y"]))
        return {f"{key} x": value for key, value in on_x.items()} | {
            f"{key} y": value for key, value in on_y.items()
        }

    translators, judges = nn.ModuleList([nets.G, nets.F]), nn.ModuleList([nets.D_X, nets.D_Y])
    return [
        Player("G", generators, adam(translators, game.generator_rate, game.betas)),
        Player("D", discriminators, adam(judges, game.discriminator_rate, game.betas)),
    ]


def generator_turn(nets: CycleGAN, x: Images, y: Images, game: Game) -> tuple[Losses, Tensor, Tensor]:
    """Eq. (3) as G and F see it, with the identity loss; and the fakes of x and of y, detached."""
    fake_y, same_y = together(nets.G, x, y if game.identity * game.cycle else None)
    fake_x, same_x = together(nets.F, y, x if game.identity * game.cycle else None)
    losses = {"fool x": fool_loss(nets.D_X(fake_x)), "fool y": fool_loss(nets.D_Y(fake_y))}
    if game.cycle:
        losses["cycle"] = game.cycle * (
            distance(nets.F(fake_y), x) + distance(nets.G(fake_x), y)  # eq. (2)
        )
    if same_x is not None and same_y is not None:
        weight = game.cycle * game.identity
        losses["identity"] = weight * (distance(same_x, x) + distance(same_y, y))
    return losses, fake_x.detach().float(), fake_y.detach().float()


def together(net: Translator, a: Images, b: Images | None) -> tuple[Tensor, Tensor | None]:
    """net(a) and net(b) in one pass."""
    if b is None:
        return net(a), None
    return net(torch.cat([a, b])).split([len(a), len(b)])


def judge(D: Judge, real: Images, fake: Images) -> Losses:
    """D's loss on real images and on (detached) fakes, in one pass."""
    return discriminator_loss(*D(torch.cat([real, fake.detach()])).split([len(real), len(fake)]))


def linear_decay(progress: float, hold: float = 0.5) -> float:
    """Full learning rate for the first half, then linearly to zero (section 4): a schedule for `train`."""
    return 1.0 if progress < hold else (1 - progress) / (1 - hold)


def translate(G: nn.Module, x: Images, chunk: int = 100) -> Images:
    """G(x) in eval mode, a chunk at a time."""
    device = next(G.parameters()).device
    with evaluating(G):
        return torch.cat([G(part.to(device)).float() for part in x.split(chunk)])
