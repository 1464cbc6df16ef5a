# %% [markdown]
# # 03 · The deep convolutional GAN
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/03_dcgan.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/03_dcgan.ipynb)
#
# | | |
# |---|---|
# | **You will build** | the generator and the discriminator of the DCGAN paper, 64x64 pixels large, and their small forms, which draw digits and faces within minutes on a laptop; then you calculate with codes: a face, plus glasses |
# | **You should know** | lesson 02: the two turns of the game, and what the losses mean; what a convolution is |
# | **Time** | about 90 minutes of yours. The computer needs about 6 minutes on 2 CPU cores (measured: 330 processor seconds), 6 to 8 on a T4-class GPU with 64x64 faces (estimated) |
# | **Paper** | Radford, Metz and Chintala, *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*, [arXiv:1511.06434](https://arxiv.org/abs/1511.06434); section numbers below are theirs |
#
# You write five small functions. Each is checked at once, and if you are stuck the check hands you the
# library's version, so that you can always go on. Before each picture there is a question: answer it in your head *before*
# you run the cell. That is where the learning happens.

# %% tags=["colab-setup"]
# On Colab this fetches the course and installs it; Colab's own torch stays. Elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    import subprocess

    fetch = "test -d /content/course || git clone -q --depth 1 -b main https://github.com/course-lib/course /content/course"
    subprocess.run(fetch, shell=True, check=True)
    sys.path.insert(0, "/content/course")
    from course_lib.colab import set_up

    set_up(drive=False)  # True keeps checkpoints in your Google Drive

# %%
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.device import fast_precision, pick_device, pick_tier, place
from course_lib.images import from_uint8
from course_lib.metrics.attributes import read_attributes
from course_lib.metrics.evaluate import evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.neighbours import nearest_images
from course_lib.models import dcgan, gan
from course_lib.models.dcgan import checkerboard_energy, without_batch_norm
from course_lib.models.gan import (
    Game,
    adam,
    draw_codes,
    gan_players,
    generator_loss,
    sample_gan,
    smoothed_discriminator_loss,
)
from course_lib.models.pretrained import fill, load_pretrained
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import show, show_figure
from course_lib.training.ema import EMA
from course_lib.training.loop import cpu_seconds, train, warm_down
from course_lib.types import Codes, Images, Losses


@dataclass(frozen=True)
class Settings:
    maps: int = 16  # of the digits' networks, beside the image; twice as many in each further stage
    steps: int = 3_200  # rounds of the game on digits
    naive_steps: int = 1_400  # ... of the naive try, and of the deeper networks beside it
    short_steps: int = 400  # ... of each game that is broken on purpose
    face_size: int = 32
    face_maps: int = 32
    face_d: int = 64  # numbers in the code of a face
    face_batch: int = 32
    face_steps: int = 2_600
    faces: int = 20_000  # images
    asked: int = 2_000  # faces drawn to calculate with codes
    scored: int = 5_000  # samples behind each number
    scored_short: int = 2_000  # ... of a short game


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(
        maps=4, steps=4, naive_steps=2, short_steps=2, face_maps=8, face_steps=3, faces=300, asked=200, scored=200, scored_short=100
    ),
    "cpu": Settings(),
    "gpu": Settings(
        maps=32, steps=20_000, naive_steps=4_000, short_steps=1_500, face_size=64, face_maps=64, face_d=128, face_batch=64, face_steps=20_000, faces=60_000
    ),
}[TIER]  # fmt: skip
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## What lesson 02 left undone
#
# The digits of lesson 02 had specks. Its networks are made of linear layers: each pixel has a weight of its own for each hidden number, and nobody told them which
# pixels are neighbours. A picture and the same picture with its pixels dealt out anew are equally easy for them. **Predict:** on which of these two sets would the GAN of
# lesson 02 reach the better loss?

# %% tags=["kept-picture"]
train_set, test_set = digits("train"), digits("test")
game = Game(d=32, batch=64, generator_rate=2e-3, discriminator_rate=1e-3)
batches = Batches(train_set, game.batch, seed=0, device=device)
x = batches.batch(0)["image"]
order = torch.randperm(28 * 28, generator=torch.Generator().manual_seed(0)).to(device)
show(x[:16], alt="Sixteen handwritten digits, white on black", columns=16)
show(
    x[:16].flatten(2)[:, :, order].view(-1, 1, 28, 28),
    alt="The same sixteen digits with their pixels dealt out anew, always in the same way: they look like noise",
    columns=16,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Sixteen handwritten digits, white on black](pictures/03_dcgan/2b21d1c2-1-ab8419b6.webp)
#
# ![The same sixteen digits with their pixels dealt out anew, always in the same way: they look like noise](pictures/03_dcgan/2b21d1c2-2-2f40533c.webp)
#
# </details>

# %% [markdown]
# On neither: dealing out the pixels only deals out the weights. A **convolution** knows two things about pictures from the start: neighbours belong together (a small window),
# and a stroke is a stroke wherever it is (the same weights at every place). That is far fewer weights to learn, from the same pictures.
#
# ## The idea in one picture

# %%
show_diagram(
    "03_dcgan",
    alt="The generator: a code z of 128 numbers becomes 512 maps of 4 by 4 pixels, then 256 of 8 by 8, 128 of 16 by 16, "
    "64 of 32 by 32, and an image of 3 channels, 64 by 64. The discriminator goes the same way backwards, to one logit.",
)


# %% [markdown]
# A **map** is one channel of a picture inside the network. G starts from many tiny maps (what is in the picture) and ends with one large picture (where each
# pixel is bright); each stage doubles the side and halves the number of maps. D walks the same road back. Section 3 of the paper gives the rules by which such a pair stayed
# stable, when earlier tries had not:
#
# 1. no pooling: convolutions with **stride** 2 learn how to shrink and how to grow;
# 2. **BatchNorm** in both networks;
# 3. no hidden linear layers;
# 4. ReLU in G, tanh at its end; LeakyReLU in D (with slope 0.2, section 4).
#
# ## The naive try
#
# Convolutions are so good with neighbours; do we need so many stages? For digits of 28x28 pixels two would do: z → 7x7 → 14x14 → 28x28, and back. Let us play a short game with these networks, and
# the same number of rounds with three stages, 4 → 7 → 14 → 28. (How a side of 4 becomes 7 you will see in exercise 1.) The two games take about a minute of processor time. **Predict:** what
# will be right about the pictures of the shallow network, and what will be wrong?

# %% tags=["kept-picture"]
def play(G: nn.Module, D: nn.Module, label: str, steps: int, game: Game = game) -> nn.Module:
    """A short game on digits; returns the averaged G."""
    G, D = place(G, device), place(D, device)
    ema = EMA(G, 0.99)
    players = gan_players(G, D, game, smoothed_discriminator_loss, generator_loss)
    rounds = train(players, batches.starting_at(0), steps, schedule=warm_down, precision=precision)
    run = watch(rounds, label=label, alt=f"Loss curves of a short game: {label}")
    for _ in run:
        ema.update()
    fooled[label] = run.history["G: fool"][-50:]
    return ema.net


fooled: dict[str, Sequence[float]] = {}  # G's last losses in each short game


def make_pair(smallest: int = 4) -> tuple[nn.Sequential, nn.Sequential]:
    """G and D for digits, always from the same start."""
    torch.manual_seed(1)
    G = dcgan.make_generator(game.d, 1, 28, SETTINGS.maps, smallest)
    return G, dcgan.make_discriminator(1, 28, SETTINGS.maps, smallest)


def distance(G: nn.Module) -> float:
    """FID of a short game's samples."""
    score = evaluate(
        lambda n: sample_gan(G, draw_codes(n, game.d)), reference="digits", n=SETTINGS.scored_short
    )
    return score.fid.value


def samples(G: nn.Module, n: int = 16) -> Images:
    return sample_gan(G, draw_codes(n, game.d, torch.device("cpu")))


shallow = play(*make_pair(smallest=7), "two stages", SETTINGS.naive_steps)
deep = play(*make_pair(), "three stages", SETTINGS.naive_steps)
torch.manual_seed(2)
show(
    torch.cat([samples(shallow, 32), samples(deep, 32)]),
    alt="Two rows of samples of the shallow network: clean strokes, about half of them digits. Two rows of the deeper one: somewhat more of them can be named",
    columns=16,
)
for name, G in {"two stages": shallow, "three stages": deep}.items():
    print(f"{name:>12}: FID {distance(G):.0f} after {SETTINGS.naive_steps:,} rounds")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 1,400 steps (D: real 0.6051, D: fake 0.4743, G: fool 1.21)](pictures/03_dcgan/59f0e89f-1-5b7b3799.webp)
#
# ![the losses after 1,400 steps (D: real 0.5452, D: fake 0.4252, G: fool 1.133)](pictures/03_dcgan/59f0e89f-2-1947b6d2.webp)
#
# ![Two rows of samples of the shallow network: clean strokes, about half of them digits. Two rows of the deeper one: somewhat more of them can be named](pictures/03_dcgan/59f0e89f-3-4d8c8edc.webp)
#
# </details>

# %% [markdown]
# In the upper two rows the strokes are right at once: neighbours. But what the strokes *form* is often no digit, more often than below (FID 157 against 111). Why? Behind the stages of D stands one last convolution, which adds up what each place of the smallest maps says. A place of the
# 7x7 maps has seen a window of 10x10 pixels, its **receptive field**. So D's verdict is a *sum of verdicts on small patches*: each patch may be a good piece of a digit, and D can
# not ask whether they fit together. With one more stage a place sees 18x18 pixels.
#
# Do not believe it: compute it. Change a pixel a, a pixel b, and both. If D only adds up what it sees of each, then D(x + a + b) - D(x + a) - D(x + b) + D(x) = 0. Pixels a and b
# are 12 pixels apart:

# %%
@torch.no_grad()
def together(D: nn.Module, apart: int) -> float:
    """How much D makes of two changed pixels together, beyond what it makes of each alone."""
    D = D.double().eval()
    x = torch.zeros(1, 1, 28, 28, dtype=torch.float64)
    a, b = torch.zeros_like(x), torch.zeros_like(x)
    a[..., 13, 10], b[..., 13, 10 + apart] = 1.0, 1.0
    return (D(x + a + b) - D(x + a) - D(x + b) + D(x)).abs().item()


for smallest, stages in ((7, "two stages"), (4, "three stages")):
    field, step = 1, 1
    for side in dcgan.sides(28, smallest)[:0:-1]:
        field, step = field + (dcgan.between(side)["kernel_size"] - 1) * step, 2 * step
    torch.manual_seed(0)
    D = dcgan.make_discriminator(1, 28, 16, smallest)
    seen = "nothing" if together(D, 12) < 1e-12 else "something"
    print(f"{stages}: a place sees {field} x {field} pixels; of two pixels 12 apart D makes {seen} together")

# %% [markdown]
# That is what "deep" is for in DCGAN: each stage about doubles what a place can see, until it sees nearly a whole digit (they are 20 pixels high). (A D that judges patches *on purpose* comes back in lesson 05, for textures.)
#
# ## Growing: the transposed convolution
#
# A convolution with stride 2 moves its window by 2 pixels and so halves the side. As a map from numbers to numbers it is linear: a large matrix A, y = A x. The **transposed convolution** is the
# matrix Aᵀ, with the same small set of weights: it takes a small picture and *paints*, for each of its pixels, the whole kernel into a larger picture, `stride` apart; where the prints overlap, they are added. It is *not* the inverse.
# Transposed means: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for all x and y.

# %%
torch.manual_seed(0)
large, small = torch.randn(1, 1, 8, 8, dtype=torch.float64), torch.randn(1, 1, 4, 4, dtype=torch.float64)
kernel = torch.randn(1, 1, 4, 4, dtype=torch.float64)
shrunk = F.conv2d(large, kernel, stride=2, padding=1)
grown = F.conv_transpose2d(small, kernel, stride=2, padding=1)
print(
    f"8x8 shrinks to {shrunk.shape[-1]}x{shrunk.shape[-1]}, 4x4 grows to {grown.shape[-1]}x{grown.shape[-1]}"
)
print(f"<A x, y>   = {(shrunk * small).sum():.6f}\n<x, A^T y> = {(large * grown).sum():.6f}")
back = F.conv_transpose2d(shrunk, kernel, stride=2, padding=1)
print(
    f"and A^T A x is not x: they differ by {(back - large).norm() / large.norm():.1f} times the length of x"
)


# %% [markdown]
# ### Exercise 1 · how large?
#
# *difficulty 2 of 5 · importance 4 of 5 · 10 minutes*
#
# The first pixel paints `kernel` pixels. Each further one is painted `stride` pixels along. Then `padding` pixels are cut off at *both* ends. How large is the result?
#
# <details><summary>Hint</summary>
#
# Between n pixels there are n - 1 steps. Try it on paper: 3 pixels, kernel 4, stride 2, padding 1.
# </details>

# %% nbgrader={"grade": false, "grade_id": "dcgan-size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def up_size(side: int, kernel: int, stride: int, padding: int) -> int:
    """The side that a transposed convolution makes of a picture of `side` pixels a side."""
    # YOUR CODE HERE
    raise NotImplementedError("dcgan/size is yours to write")


# %% nbgrader={"grade": true, "grade_id": "dcgan-size-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
up_size = check("dcgan/size", up_size)

# %%
side, road = 1, "1"
for kernel, stride, padding in [(4, 1, 0), *[(4, 2, 1)] * 4]:
    side = up_size(side, kernel, stride, padding)
    road += f" -> {side}"
print("kernel 4 throughout:          ", road)
side, road = 1, "1"
for kernel, stride, padding in [(4, 1, 0), (3, 2, 1), (4, 2, 1), (4, 2, 1)]:
    side = up_size(side, kernel, stride, padding)
    road += f" -> {side}"
print("kernel 3 in the second stage: ", road)


# %% [markdown]
# With kernel 4, stride 2, padding 1 the side doubles exactly, and 64 = 4 · 2⁴. For digits there is one odd step, from 4 to 7, by kernel 3.
#
# ### Exercise 2 · the generator
#
# *difficulty 3 of 5 · importance 5 of 5 · 20 minutes*
#
# The table of the lecture, for 64x64 images; m is `maps`:
#
# | | makes | by |
# |---|---|---|
# | code | d | |
# | 1 | 8m maps of 4x4 | transposed convolution, kernel 4, stride 1, padding 0, on the code as a picture of one pixel with d channels; BatchNorm; ReLU |
# | 2 | 4m maps of 8x8 | transposed convolution, kernel 4, stride 2, padding 1; BatchNorm; ReLU |
# | 3 | 2m maps of 16x16 | the same |
# | 4 | m maps of 32x32 | the same |
# | 5 | `channels` of 64x64 | transposed convolution, kernel 4, stride 2, padding 1; **tanh**, for pixels in [-1, 1] |
#
# No convolution has a bias: BatchNorm takes the average off again. The last layer has no BatchNorm: G must be free to choose brightness and contrast.
#
# <details><summary>Hint</summary>
#
# `nn.Unflatten(1, (d, 1, 1))` makes a picture of the code. `nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)`, `nn.BatchNorm2d(b)`, `nn.ReLU()`; a list of layers, and `nn.Sequential(*layers)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "dcgan-generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_generator(d: int, channels: int, maps: int) -> nn.Module:
    """A network of codes (b, d) -> images (b, channels, 64, 64) in [-1, 1]."""
    # YOUR CODE HERE
    raise NotImplementedError("dcgan/generator is yours to write")


# %% nbgrader={"grade": true, "grade_id": "dcgan-generator-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
make_generator = check("dcgan/generator", make_generator)


# %% [markdown]
# ### Exercise 3 · the discriminator
#
# *difficulty 3 of 5 · importance 5 of 5 · 15 minutes*
#
# The same road backwards: `channels` of 64x64 → m maps of 32x32 → 2m of 16x16 → 4m of 8x8 → 8m of 4x4, each by a convolution with kernel 4, stride 2, padding 1, then BatchNorm, then LeakyReLU with slope 0.2. (The paper leaves
# BatchNorm out behind the first convolution; the lecture's table has it there too.) At the end one bare convolution, kernel 4, stride 1, padding 0, makes one logit of each image; no sigmoid, for our losses
# are taken from logits. Again no bias anywhere.
#
# Why *leaky*? Where ReLU is 0 its slope is 0 too, and no gradient passes; and all that G ever learns comes through D.
#
# <details><summary>Hint</summary>
#
# `nn.Conv2d(a, b, 4, 2, 1, bias=False)`, `nn.BatchNorm2d(b)`, `nn.LeakyReLU(0.2)`. `nn.Flatten(0)` at the end turns (b, 1, 1, 1) into (b,).
# </details>

# %% nbgrader={"grade": false, "grade_id": "dcgan-discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_discriminator(channels: int, maps: int) -> nn.Module:
    """A network of images (b, channels, 64, 64) -> logits (b,)."""
    # YOUR CODE HERE
    raise NotImplementedError("dcgan/discriminator is yours to write")


# %% nbgrader={"grade": true, "grade_id": "dcgan-discriminator-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
make_discriminator = check("dcgan/discriminator", make_discriminator)

# %%
G, D = make_generator(128, 3, 64), make_discriminator(3, 64)
for name, net in {"generator": G, "discriminator": D}.items():
    print(f"{name:>13}: {sum(weight.numel() for weight in net.parameters()):,} parameters")
with torch.no_grad():
    image = G(torch.randn(2, 128))
    print("codes (2, 128) -> images", tuple(image.shape), "-> logits", tuple(D(image).shape))


# %% [markdown]
# ### Exercise 4 · where the weights begin
#
# *difficulty 2 of 5 · importance 3 of 5 · 10 minutes*
#
# Section 4 of the paper draws all weights from a normal distribution around 0 with standard deviation 0.02. BatchNorm's scale (its `weight`) is drawn from N(1, 0.02²), and all shifts (`bias`) begin at 0, as in the authors' code. Write into the layers of `net`, in place, and return its parameters by name, for the check to look at.
#
# <details><summary>Hint</summary>
#
# `for layer in net.modules():`, then `isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)`. Functions that end in `_` write in place: `nn.init.normal_(layer.weight, 0.0, 0.02)`, `nn.init.zeros_(layer.bias)`. A layer made with `bias=False` has `layer.bias = None`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "dcgan-initialise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def initialise(net: nn.Module) -> dict[str, Tensor]:
    """Fresh weights for convolutions and BatchNorm, as in section 4, in place; the net's parameters by name."""
    # YOUR CODE HERE
    raise NotImplementedError("dcgan/initialise is yours to write")


# %% nbgrader={"grade": true, "grade_id": "dcgan-initialise-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
initialise = check("dcgan/initialise", initialise)


# %% [markdown]
# What is BatchNorm for? Follow the signal. Each layer multiplies by weights that are 0.02 large. How strong is what comes out behind each stage, before anything is learnt: with BatchNorm, and with every BatchNorm left out?
# **Predict** the last number of the second row.

# %%
@torch.no_grad()
def signal(net: nn.Module, x: Tensor) -> tuple[list[str], Tensor]:
    """The standard deviation behind each activation, and what comes out."""
    found = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.Tanh | nn.Flatten):
            found.append(f"{x.std():.1e}")
    return found, x


for name, change in {"with BatchNorm": lambda net: net, "without": without_batch_norm}.items():
    torch.manual_seed(0)
    G, D = dcgan.make_generator(), dcgan.make_discriminator()  # the library's: one Sequential each
    initialise(G), initialise(D)
    in_G, image = signal(change(G), draw_codes(16, 128))
    in_D, _ = signal(change(D), image)
    print(f"{name:>15}: in G {' '.join(in_G)} | in D {' '.join(in_D)}")


# %% [markdown]
# Without BatchNorm the signal dies away from layer to layer, and so does the gradient on its way back. **BatchNorm** takes off the average of each map over the batch, divides by the spread, and lets the network learn a scale and a shift of its own: the signal is as
# strong as you like, in every layer, at every time.
#
# It has a strange side, too. While it trains, the verdict on one image depends on the others in the batch. We give D the real images in one batch and the fakes in another, as the paper's authors did, so that each kind is normalised
# by itself. And when we sample, G uses averages over the past batches (`.eval()`), so that an image depends on its own code only.
#
# ### Exercise 5 · the update in three parts
#
# *difficulty 3 of 5 · importance 5 of 5 · 15 minutes*
#
# The step that every DCGAN program has at its heart. From images x and codes z:
#
# * `real`: D's loss on the real images, -log D(x);
# * `fake`: D's loss on the fakes, -log(1 - D(G(z))), which must not teach G;
# * `fool`: G's loss, -log D(G(z)), which must reach G.
#
# Each is averaged over the batch, in nats, from logits. Return the three by name.
#
# <details><summary>Hint</summary>
#
# -log σ(t) = softplus(-t) and -log(1 - σ(t)) = softplus(t). One `fake = G(z)` is enough: `D(fake.detach())` for D's part, `D(fake)` for G's.
# </details>

# %% nbgrader={"grade": false, "grade_id": "dcgan-update", "locked": false, "schema_version": 3, "solution": true, "task": false}
def three_parts(G: nn.Module, D: nn.Module, x: Tensor, z: Codes) -> Losses:
    """{"real", "fake"}: what D minimises, and {"fool"}: what G minimises; scalars in nats."""
    # YOUR CODE HERE
    raise NotImplementedError("dcgan/update is yours to write")


# %% nbgrader={"grade": true, "grade_id": "dcgan-update-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
three_parts = check("dcgan/update", three_parts)


# %% [markdown]
# Here is the whole training by hand. Is it the same as the library's `gan_players` under `train`?

# %%
def by_hand(G: nn.Module, D: nn.Module, game: Game, images: list[Images]) -> None:
    adam_D, adam_G = adam(D, game.discriminator_rate), adam(G, game.generator_rate)
    for x in images:
        parts = three_parts(G, D, x, draw_codes(len(x), game.d))
        loss_D = parts["real"] + parts["fake"]
        adam_D.zero_grad()
        loss_D.backward()
        adam_D.step()
        loss_G = three_parts(G, D, x, draw_codes(len(x), game.d))["fool"]  # from the D that has just moved
        adam_G.zero_grad()
        loss_G.backward()
        adam_G.step()


# %%
def three_rounds(use_train: bool) -> Tensor:
    torch.manual_seed(3)
    small = Game(d=8, batch=16)
    G, D = dcgan.make_generator(small.d, 1, 16, 4), dcgan.make_discriminator(1, 16, 4)
    initialise(G), initialise(D)
    images = [torch.rand(small.batch, 1, 16, 16) * 2 - 1 for _ in range(3)]
    if use_train:
        for _ in train(gan_players(G, D, small), iter([{"image": x} for x in images]), 3):
            pass
    else:
        by_hand(G, D, small, images)
    return torch.cat([p.detach().flatten() for net in (G, D) for p in net.parameters()])


difference = (three_rounds(True) - three_rounds(False)).abs().max().item()
print("largest difference between the two below a hundred-thousandth:", difference < 1e-5)

# %% [markdown]
# ## Your networks, with trained weights
#
# Your generator and your discriminator are made for 64x64 pixels, which is a GPU's work. But you can see them play: the course brings weights for both, narrow ones (16 maps), trained on digits that were enlarged to 64x64. `fill` puts them into
# *your* networks, layer by layer; then your `three_parts` says how the game stood at its end. **Predict:** was D undecided?

# %% tags=["kept-picture"]
kept = load_pretrained("dcgan")
d, maps = kept.settings["d"], kept.settings["maps"]
lent_G, lent_D = place(make_generator(d, 1, maps), device), place(make_discriminator(1, maps), device)
torch.manual_seed(1)
large, codes = F.interpolate(x, size=64, mode="bilinear"), draw_codes(len(x), d, device)
fill(lent_G, kept, "G64", lambda net: net(codes))
fill(lent_D, kept, "D64", lambda net: net(large))
show(
    torch.cat([sample_gan(lent_G, codes[:24]), large[:8]]),
    alt="Three rows of eight large digits from your generator: smooth strokes on a background that is not quite black, most of them can be named. Below, eight enlarged real digits on black",
    columns=8,
    scale=1,
)
with torch.no_grad():
    parts = three_parts(lent_G, lent_D, large, codes)
print("your three parts:", ", ".join(f"{name} {value:.2f}" for name, value in parts.items()), "nats")
print(
    f"{kept.kilobytes} kB of weights, trained and scored in {kept.record['processor_seconds']} processor seconds"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Three rows of eight large digits from your generator: smooth strokes on a background that is not quite black, most of them can be named. Below, eight enlarged real digits on black](pictures/03_dcgan/5a768b8b-1-b8ad7928.webp)
#
# </details>

# %% [markdown]
# The digits come out as they should, so your layers stand where they belong: large, with smooth strokes. Some cannot be named, and the background is not quite black. And no, D was not undecided, which would be 0.69 each: it knows real digits (0.18) from fakes (0.10), and `fool` stands at 2.65 nats. On 64x64 pixels there is
# more to find fault with, the veil of the background for one, and D was ahead when those 2,500 rounds ended. Your own training follows, on 28x28, where a minute is enough; on a GPU your 64x64 networks get theirs too, with faces.
#
# ## Digits
#
# Now the digits, with the small three-stage networks and the tricks that paid in lesson 02; here is what each is for, and what we changed:
#
# | trick | what it does | here |
# |---|---|---|
# | **two time scales** | G's learning rate is twice D's | 2e-3 and 1e-3, ten and five times the paper's 2e-4: in a minute there is no time to be careful |
# | **one-sided label smoothing** | D is told that real images are real with probability 0.9 | as in lesson 02 |
# | **EMA of G, warm-down** | an averaged G is sampled; the rates fall over the last 70 % of the rounds | as in lesson 02. BatchNorm's own averages are copied, not averaged once more |
# | **initialisation** | where the weights begin (exercise 4) | torch's own. The paper's 0.02 is for layers four times as wide: with our 16 maps, a short game of 600 rounds ended at FID 374 with it and at 231 without (one run each, when this lesson was written) |
#
# The networks are small: convolutions reuse their weights. Count them against those of lesson 02:

# %%
torch.manual_seed(1)
digit_G, digit_D = make_pair()
plain_G, plain_D = gan.make_generator(game.d), gan.make_discriminator()
for name, nets in {"DCGAN": (digit_G, digit_D), "GAN of lesson 02": (plain_G, plain_D)}.items():
    weights = [sum(weight.numel() for weight in net.parameters()) for net in nets]
    print(f"{name:>16}: G {weights[0]:>9,} parameters, D {weights[1]:>9,}")

# %% [markdown]
# The game takes a bit more than a minute of processor time. Below the curves you see what the averaged G makes of *the same* 32 codes; the ■ button ends the training early and keeps what was learnt.
#
# **How to read the curves.** As in lesson 02: 0.69 each means that D is undecided; healthy is a D that is right more often than not, but not always, and a `fool` near 1. (With smoothed labels `D: real` cannot fall below 0.33.) If
# `D: fake` goes to 0 and `fool` climbs beyond 3, D has won: start again with a smaller rate for D.

# %% tags=["kept-picture"]
digit_G, digit_D = place(digit_G, device), place(digit_D, device)
ema = EMA(digit_G, game.ema)
z_fixed = draw_codes(32, game.d, device)
players = gan_players(digit_G, digit_D, game, smoothed_discriminator_loss, generator_loss)
run = train(players, batches.starting_at(0), SETTINGS.steps, schedule=warm_down, precision=precision)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: sample_gan(ema.net, z_fixed),
    alt="Loss curves of the DCGAN, and digits drawn from 32 fixed codes",
):
    ema.update()  # your own code goes here, once a round
dcgan_seconds = time.process_time() - began
print(f"{dcgan_seconds:.0f} processor seconds for {step.index + 1:,} rounds")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 3,200 steps (D: real 0.6343, D: fake 0.346, G: fool 1.21); Loss curves of the DCGAN, and digits drawn from 32 fixed codes, after 3,200 steps](pictures/03_dcgan/69bf49ff-1-e9e701c6.webp)
#
# </details>

# %% tags=["kept-picture"]
def draw(n: int) -> Images:
    return sample_gan(ema.net, draw_codes(n, game.d, device))


show(
    draw(96),
    alt="96 digits drawn by the DCGAN from random codes: smooth strokes without specks, many can be named",
    columns=16,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![96 digits drawn by the DCGAN from random codes: smooth strokes without specks, many can be named](pictures/03_dcgan/d182ff9b-1-efd948e4.webp)
#
# </details>

# %% [markdown]
# Smooth strokes, no specks. Where a picture is wrong it is wrong as a whole, not pixel by pixel: a 4 that is nearly a 9.
#
# ## Explore: a walk
#
# As in lesson 02: on an arc between two codes, so that every code on the way is a typical draw of N(0, I). The ends are the clearest digits among 300 fakes. **Predict** where a digit changes its class.

# %% tags=["kept-picture"]
torch.manual_seed(5)
codes = draw_codes(300, game.d, device)
_, probability = digits_extractor(device)(sample_gan(ema.net, codes))  # (300, 10)
corners = codes[probability.argmax(dim=0).to(device)]  # for each digit, the code of its clearest fake


def walk(a: Codes, b: Codes, steps: int) -> Codes:
    """`steps` codes on the arc from a to b: (d,), (d,) -> (steps, d)."""
    angle = torch.linspace(0, torch.pi / 2, steps, device=a.device)[:, None]
    return angle.cos() * a + angle.sin() * b


show(
    torch.cat(
        [sample_gan(ema.net, walk(corners[a], corners[b], 16)) for a, b in [(0, 1), (3, 8), (7, 2), (4, 6)]]
    ),
    alt="Four rows; in each a digit changes smoothly into another one, in sixteen steps",
    columns=16,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows; in each a digit changes smoothly into another one, in sixteen steps](pictures/03_dcgan/19d16cb5-1-94569387.webp)
#
# </details>

# %% [markdown]
# For most of the way only the style changes; the class changes within a few pictures, at the middle or a little later.
#
# ## Faces
#
# The course draws its own faces, as many as you like, with known attributes; the GAN is told none of them. The cpu tier plays with 32x32 pixels (three stages, 4 → 8 → 16 → 32); on a GPU it is *your* 64x64 networks with 64 maps and 128 numbers in a code, the lecture's, begun by *your* `initialise`.
#
# The batches are half as large as those of the digits: twice as many moves in the same time. (Measured beforehand, 75 processor seconds, one training each: FID 371 with 32, 441 with 64.) Drawing the faces takes some seconds, and the game about 80 seconds of processor time. **Predict:** what will G learn first, and what last?

# %% tags=["kept-picture"]
face_set = faces(SETTINGS.faces, size=SETTINGS.face_size, seed=0)
face_batches = Batches({"image": face_set["image"]}, SETTINGS.face_batch, seed=0, device=device)
show(
    face_batches.batch(0)["image"][:16],
    alt="Sixteen drawn faces with hair, glasses, hats and backgrounds of many colours",
    columns=16,
)
torch.manual_seed(1)
if SETTINGS.face_size == 64:
    face_G = make_generator(SETTINGS.face_d, 3, SETTINGS.face_maps)
    face_D = make_discriminator(3, SETTINGS.face_maps)
    initialise(face_G), initialise(face_D)
    face_game = Game(
        d=SETTINGS.face_d, batch=SETTINGS.face_batch, generator_rate=4e-4, discriminator_rate=2e-4
    )
else:
    face_G = dcgan.make_generator(SETTINGS.face_d, 3, SETTINGS.face_size, SETTINGS.face_maps)
    face_D = dcgan.make_discriminator(3, SETTINGS.face_size, SETTINGS.face_maps)
    face_game = Game(
        d=SETTINGS.face_d, batch=SETTINGS.face_batch, generator_rate=2e-3, discriminator_rate=1e-3
    )
face_G, face_D = place(face_G, device), place(face_D, device)
face_ema = EMA(face_G, face_game.ema)
z_faces = draw_codes(16, SETTINGS.face_d, device)
face_players = gan_players(face_G, face_D, face_game, smoothed_discriminator_loss, generator_loss)
face_run = train(face_players, face_batches, SETTINGS.face_steps, schedule=warm_down, precision=precision)
began = time.process_time()
for _ in watch(
    face_run,
    draw=lambda: sample_gan(face_ema.net, z_faces),
    alt="Loss curves of the DCGAN on faces, and faces drawn from 16 fixed codes",
):
    face_ema.update()
print(f"{time.process_time() - began:.0f} processor seconds")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Sixteen drawn faces with hair, glasses, hats and backgrounds of many colours](pictures/03_dcgan/63d5dc80-1-ba694bda.webp)
#
# ![the losses after 2,600 steps (D: real 0.3473, D: fake 0.02835, G: fool 3.867); Loss curves of the DCGAN on faces, and faces drawn from 16 fixed codes, after 2,600 steps](pictures/03_dcgan/63d5dc80-2-01008a3f.webp)
#
# </details>

# %% tags=["kept-picture"]
torch.manual_seed(3)
show(
    sample_gan(face_ema.net, draw_codes(48, SETTINGS.face_d, device)),
    alt="48 faces drawn by the DCGAN from random codes: hair, glasses, hats and backgrounds of many colours, all of them grainy",
    columns=16,
)
face_score = evaluate(
    lambda n: sample_gan(face_ema.net, draw_codes(n, SETTINGS.face_d, device)),
    reference="faces",
    n=SETTINGS.asked,
)
display(face_score)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![48 faces drawn by the DCGAN from random codes: hair, glasses, hats and backgrounds of many colours, all of them grainy](pictures/03_dcgan/4c233761-1-39666b36.webp)
#
# </details>

# %% [markdown]
# What fills many pixels came first: within a minute backgrounds, hats and hair sit where they belong. Eyes and mouths are still missing, and all pictures are grainy (FID 378, where other real faces get 4.4). The curves say why: `D: fake` has fallen below 0.05 and `fool` stays near 4. That is the warning of the reading aid: D is winning. It sees grain at once, and G has not the time to unlearn it.
#
# We tried to hold D back, in batches of 64, 75 processor seconds and one training each: half of its learning rate gives FID 406 instead of 441, a quarter 426, spectral norm 1,181. Best was to show D every picture through a little fresh noise (**instance noise**, [arXiv:1610.04490](https://arxiv.org/abs/1610.04490)): 333, and with a second seed 350 instead of 435. And yet its pictures were *grainier* to the eye, for what the noise hides from D, G may draw. Look, before you believe a number. **Try** more rounds.
#
# ## Explore: calculating with codes
#
# The most famous picture of the paper (section 6.3.2, figure 7): the codes of *man with glasses*, minus *man*, plus *woman*, give a woman with glasses. Nobody told G what glasses are. If its code space is tidy, "glasses" is a **direction** in it, the same one for all faces.
#
# Let us find directions. We draw many faces, let the attribute classifier of the course read what each shows, and take the average code of those *with*, minus the average code of those *without*. Then we add that direction to fresh codes, at their old length (so that they stay typical), and let
# the same classifier count. **Predict:** which will be easier to add, sunglasses or a background?

# %% tags=["kept-picture"]
torch.manual_seed(7)
asked = draw_codes(SETTINGS.asked, SETTINGS.face_d, device)
seen = read_attributes(sample_gan(face_ema.net, asked))
fresh = draw_codes(400, SETTINGS.face_d, device)


def direction(name: str, value: str) -> Codes:
    """Average code of the faces that show it, minus that of those that do not, (d,)."""
    shows = (seen[name] == ATTRIBUTES[name].index(value)).to(device)
    if not 0 < shows.sum() < len(shows):
        return torch.zeros(SETTINGS.face_d, device=device)
    return asked[shows].mean(0) - asked[~shows].mean(0)


def moved(z: Codes, by: Codes) -> Codes:
    """z + by, at the length of z."""
    there = z + by
    return there * z.norm(dim=1, keepdim=True) / there.norm(dim=1, keepdim=True)


wishes = {
    "sunglasses": ("glasses", "sunglasses"),
    "a crown": ("hat", "crown"),
    "red hair": ("hair_colour", "red"),
    "a green background": ("background", "green"),
}
before = read_attributes(sample_gan(face_ema.net, fresh))
for wish, (name, value) in wishes.items():
    index, by = ATTRIBUTES[name].index(value), 2 * direction(name, value)
    after = read_attributes(sample_gan(face_ema.net, moved(fresh, by)))
    others = [(after[other] == before[other]).float().mean() for other in ATTRIBUTES if other != name]
    print(
        f"{wish:>18}: {(before[name] == index).float().mean():4.0%} of the faces before, "
        f"{(after[name] == index).float().mean():4.0%} after; the other attributes stay in {torch.stack(others).mean():.0%}"
    )
rows = [fresh[:12], *(moved(fresh[:12], 2 * direction(*wish)) for wish in wishes.values())]
show(
    torch.cat([sample_gan(face_ema.net, row) for row in rows]),
    alt="Top row: twelve faces. Below, the same codes plus sunglasses, plus a crown, plus red hair, plus a green background",
    columns=12,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top row: twelve faces. Below, the same codes plus sunglasses, plus a crown, plus red hair, plus a green background](pictures/03_dcgan/07860f88-1-16bad8d4.webp)
#
# </details>

# %%
def dressed(strength: float, face: int, wish: str) -> Images:
    return sample_gan(face_ema.net, moved(fresh[face : face + 1], strength * direction(*wishes[wish])))


explore(
    dressed,
    strength=(-2.0, 4.0, 2.0),
    face=(0, 20, 1),
    wish=list(wishes),
    alt="One face in a pale cap: as the direction is added more and more, a dark bar of sunglasses comes, the cap turns red and the skin darkens",
)


# %% [markdown]
# Red hair comes in 43 % of the faces, the three other wishes in 93 % and more, the background about as easily as the sunglasses. But of the other six attributes about four in ten are read differently afterwards: the directions are real, but not clean. (And of such grainy pictures the reader is unsure.) Where two things share pixels (hair and hats) or were seldom drawn well, they also share directions.
#
# And the paper's own sum, three average codes instead of a direction: (sunglasses) - (no glasses) + (crown).

# %% tags=["kept-picture"]
def average_code(**shown: str) -> Codes:
    """The average code of the drawn faces that show all this, or of none if there are none, (d,)."""
    hits = torch.ones(len(asked), dtype=torch.bool)
    for name, value in shown.items():
        hits &= seen[name] == ATTRIBUTES[name].index(value)
    return asked[hits.to(device)].mean(0) if hits.any() else torch.zeros(SETTINGS.face_d, device=device)


terms = {
    "sunglasses": average_code(glasses="sunglasses", hat="none"),
    "- no glasses": average_code(glasses="none", hat="none"),
    "+ crown": average_code(glasses="none", hat="crown"),
}
total = terms["sunglasses"] - terms["- no glasses"] + terms["+ crown"]
codes = torch.stack([*terms.values(), total])
typical = SETTINGS.face_d**0.5  # the length of a typical code
codes = codes * typical / codes.norm(dim=1, keepdim=True).clamp_min(1e-6)
show(
    sample_gan(face_ema.net, codes),
    alt="Four rough faces: one with a dark bar for sunglasses and one without glasses, both with a blue cap that nobody asked for; one with a crown; and their sum, a crown above a dark bar",
    labels=[*terms, "= their sum"],
    columns=4,
    scale=4,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rough faces: one with a dark bar for sunglasses and one without glasses, both with a blue cap that nobody asked for; one with a crown; and their sum, a crown above a dark bar](pictures/03_dcgan/6932dbf3-1-65b120ab.webp)
#
# </details>

# %% [markdown]
# The sum does what the paper's did: a crown above a dark bar. But the first two faces wear a blue cap, though only faces read as bareheaded were averaged. An average of about a hundred codes is short; stretched to the length of a typical code, it shows the chance of the draw as well as what was asked for. In the difference of two averages what they share drops out, chance does not.
#
# ## Break it on purpose
#
# Three switches. Each is a short game of the same rounds, and here is the one in which nothing is broken (each takes about ten seconds of processor time):

# %% tags=["kept-picture"]
sound = play(*make_pair(), "nothing broken", SETTINGS.short_steps)
torch.manual_seed(2)
show(
    samples(sound),
    alt="Sixteen samples after a short game: strokes and pieces of strokes, few of them digits",
    columns=16,
)
short_scores = {"nothing broken": distance(sound)}
print(f"FID {short_scores['nothing broken']:.0f} after {SETTINGS.short_steps} rounds")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 400 steps (D: real 0.5418, D: fake 0.3537, G: fool 1.305)](pictures/03_dcgan/b77fd533-1-f007c3a8.webp)
#
# ![Sixteen samples after a short game: strokes and pieces of strokes, few of them digits](pictures/03_dcgan/b77fd533-2-b1a85f79.webp)
#
# </details>

# %% [markdown]
# ### No BatchNorm
#
# The same layers, less every BatchNorm, begun as in section 4, as in the table of signals. (Strictly that is a second switch, for "nothing broken" begins with torch's own weights. By itself this start cost 374 against 231 in the table of tricks, with BatchNorm: far less than what you will see.) **Predict** the picture.

# %% tags=["kept-picture"]
G, D = make_pair()
initialise(G), initialise(D)
bare = play(without_batch_norm(G), without_batch_norm(D), "no BatchNorm", SETTINGS.short_steps)
show(
    samples(bare),
    alt="Sixteen samples without BatchNorm: blots in the middle, of a few kinds, some dark and some grey; no digits",
    columns=16,
)
short_scores["no BatchNorm"] = distance(bare)
print(f"FID {short_scores['no BatchNorm']:.0f}, with BatchNorm {short_scores['nothing broken']:.0f}")
torch.manual_seed(2)
print(
    f"spread of a pixel over samples: {samples(bare, 200).std(0).mean():.3f}, of real digits {x.std(0).mean():.3f}"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 400 steps (D: real 0.6045, D: fake 0.6398, G: fool 0.724)](pictures/03_dcgan/287022cd-1-28a2d70a.webp)
#
# ![Sixteen samples without BatchNorm: blots in the middle, of a few kinds, some dark and some grey; no digits](pictures/03_dcgan/287022cd-2-805e2ecb.webp)
#
# </details>

# %% [markdown]
# The signal has to be learnt before anything else can be. Blots, of a few kinds. Note the last line: the spread of a pixel is that of real digits, for the blots flicker between dark and grey; a number that looks at one thing only may see nothing wrong.
#
# ### D too strong: one switch, D's learning rate
#
# A judge who is always right sounds useful. Here G learns at the paper's rate, 2e-4: once against our D (1e-3), and once against a D that learns ten times as fast. **Predict** G's loss `fool`, and which G gets further in the same rounds.

# %% tags=["kept-picture"]
fair = Game(d=32, batch=64, generator_rate=2e-4, discriminator_rate=1e-3)
strong = Game(d=32, batch=64, generator_rate=2e-4, discriminator_rate=1e-2)
slow = play(*make_pair(), "slow G", SETTINGS.short_steps, fair)
overrun = play(*make_pair(), "slow G, D too strong", SETTINGS.short_steps, strong)
torch.manual_seed(2)
show(
    torch.cat([samples(slow, 8), samples(overrun, 8)]),
    alt="Eight samples of a slow G against our D, pieces of strokes in a fog; and eight against a D ten times as quick, dots",
    columns=16,
)
short_scores |= {"slow G": distance(slow), "slow G, D too strong": distance(overrun)}
for name in ("slow G", "slow G, D too strong"):
    print(
        f"{name:>20}: fool {sum(fooled[name]) / len(fooled[name]):.1f} nats at the end, FID {short_scores[name]:.0f}"
    )

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 400 steps (D: real 0.3397, D: fake 0.01049, G: fool 4.873)](pictures/03_dcgan/a12d244a-1-b08ca3ed.webp)
#
# ![the losses after 400 steps (D: real 0.3532, D: fake 0.005659, G: fool 5.61)](pictures/03_dcgan/a12d244a-2-b4f3925d.webp)
#
# ![Eight samples of a slow G against our D, pieces of strokes in a fog; and eight against a D ten times as quick, dots](pictures/03_dcgan/a12d244a-3-166e4051.webp)
#
# </details>

# %% [markdown]
# Both G learn at the same rate; what they lose by is D. Against the quick D the fakes are dots after the same rounds, and `fool` says why: G is told "wrong" about everything, at all places alike, and learns little from it. Look at the middle case, too: 2e-4 against 1e-3 is already a game that D wins (in 400 rounds). *Balance* is what
# the two time scales are for, and they can be set either way: here G must be the quicker one. Another brake on D is **spectral norm** ([arXiv:1802.05957](https://arxiv.org/abs/1802.05957)): each weight of D is divided by its largest singular value, so that no layer can stretch differences. It takes BatchNorm's place in D (`with_spectral_norm(without_batch_norm(D))`). With our networks and rates it did not pay: FID 322
# instead of 92 after 30 processor seconds, one run each; so it is not used here.
#
# ### Checkerboards: one switch, the kernel
#
# A transposed convolution paints prints of its kernel, `stride` apart. How often is each pixel painted? With all weights 1 and an input of ones the result *is* that count. The stride is 2; **predict** the counts for kernel 3 and for kernel 4.

# %%
for kernel, output_padding in ((3, 1), (4, 0)):
    layer = nn.ConvTranspose2d(1, 1, kernel, 2, 1, output_padding, bias=False)
    nn.init.ones_(layer.weight)
    with torch.no_grad():
        painted = layer(torch.ones(1, 1, 8, 8))[..., 4:12, 4:12]
    print(
        f"kernel {kernel}: rows of counts {painted[0, 0, 0, :6].int().tolist()}, {painted[0, 0, 1, :6].int().tolist()};",
        end=" ",
    )
    print(f"checkerboard energy {checkerboard_energy(painted):.2f}")


# %% [markdown]
# `checkerboard_energy` is the share of a picture's variation that repeats with the period of the stride: 1 for a chessboard, 0 for a smooth slope. A stride of 2 does not divide a kernel of 3, so some pixels are painted four times and others twice or once: a chessboard ([Odena et al. 2016](https://distill.pub/2016/deconv-checkerboard/)). Kernel 4 paints all of them
# equally often. A network *can* learn weights that make up for the counts; does it? The same short game, with every stride of kernel 4 replaced by one of kernel 3 (and `output_padding=1`, so that the side still doubles):

# %% tags=["kept-picture"]
def with_kernel_3(G: nn.Sequential) -> nn.Sequential:
    """The same G, but each layer that doubles by kernel 4 does it by kernel 3."""
    layers = list(G)
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.ConvTranspose2d) and layer.kernel_size == (4, 4) and layer.stride == (2, 2):
            a, b = layer.in_channels, layer.out_channels
            layers[i] = nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1, bias=False)
    return nn.Sequential(*layers)


G, D = make_pair()
uneven = play(with_kernel_3(G), D, "kernel 3", SETTINGS.short_steps)
torch.manual_seed(2)
show(
    torch.cat([samples(uneven, 8), samples(sound, 8)]),
    alt="Eight samples with kernel 3 and eight with kernel 4 after few rounds: pieces of strokes, no chessboard in either",
    columns=16,
    scale=4,
)
short_scores["kernel 3"] = distance(uneven)
torch.manual_seed(2)
energies = {
    "kernel 3": samples(uneven, 1000),
    "kernel 4": samples(sound, 1000),
    "real digits": from_uint8(test_set["image"][:1000]),
}
for name, images in energies.items():
    print(f"{name:>12}: checkerboard energy {1e4 * checkerboard_energy(images):6.1f} of 10,000")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 400 steps (D: real 0.5751, D: fake 0.3338, G: fool 1.458)](pictures/03_dcgan/a6bbc530-1-1d1514ff.webp)
#
# ![Eight samples with kernel 3 and eight with kernel 4 after few rounds: pieces of strokes, no chessboard in either](pictures/03_dcgan/a6bbc530-2-b4723d67.webp)
#
# </details>

# %% [markdown]
# After training the energies are alike: G *has* learnt to make up for the counts, because D can see a chessboard, and what D sees is unlearnt. But the learning was not free: after the same rounds the FID is larger with kernel 3 (391 against 305; it also has fewer weights). And where the loss does not see the pattern, it stays. Choose a kernel that the stride divides. (Our own step from 4 to 7 breaks this rule, for 7 is odd; the two stages behind it keep it.)
#
# All short games beside each other:

# %% tags=["kept-picture"]
fig, ax = plt.subplots(figsize=(6.4, 2.2), layout="constrained")
names = list(short_scores)
ax.barh(
    names,
    list(short_scores.values()),
    color=["#56b4e9" if name == "nothing broken" else "#d55e00" for name in names],
)
for row, (name, fid) in enumerate(short_scores.items()):
    ax.text(fid, row, f" {fid:,.0f}", va="center", fontsize=9)
ax.invert_yaxis()
ax.set(xlabel=f"FID (digits-LeNet, {SETTINGS.scored_short:,} samples); less is better")
ax.margins(x=0.12)
ax.spines[["top", "right"]].set_visible(False)
show_figure(
    fig,
    alt="Bars of FID: nothing broken has the smallest, kernel 3 follows; no BatchNorm, slow G, and slow G with D too strong are several times as large",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Bars of FID: nothing broken has the smallest, kernel 3 follows; no BatchNorm, slow G, and slow G with D too strong are several times as large](pictures/03_dcgan/0635caa2-1-3104a3d4.webp)
#
# </details>

# %% [markdown]
# ## Measure it
#
# The DCGAN against the GAN of lesson 02 with its linear layers; it gets **the same processor seconds**, another minute, and the same tricks. **Predict** who plays more rounds in that time, and who wins in precision and in recall.

# %%
torch.manual_seed(1)
plain_G, plain_D = place(plain_G, device), place(plain_D, device)
plain_ema = EMA(plain_G, game.ema)
plain_players = gan_players(plain_G, plain_D, game, smoothed_discriminator_loss, generator_loss)
plain_run = train(
    plain_players, batches.starting_at(0), cpu_seconds(dcgan_seconds), schedule=warm_down, precision=precision
)
for plain_step in watch(plain_run, label="plain GAN", alt="Loss curves of the plain GAN"):
    plain_ema.update()
print(f"rounds in the same time: DCGAN {step.index + 1:,}, plain GAN {plain_step.index + 1:,}")

# %%
samplers: dict[str, Callable[[int], Images]] = {
    "DCGAN": draw,
    "plain GAN, same seconds": lambda n: sample_gan(plain_ema.net, draw_codes(n, game.d, device)),
}
scores = {
    name: evaluate(sampler, reference="digits", n=SETTINGS.scored) for name, sampler in samplers.items()
}
display(Markdown(score_table(scores)))

# %% [markdown]
# Read the rows against each other. In the run kept here:
#
# * **FID:** 59 against 86, with a ninth of the parameters in G, and in 3,200 rounds against 7,787. In lesson 02 the VAE of lesson 01 came to 211 after more seconds (86; here 66).
# * **Recall against precision:** the DCGAN covers more of the real variety (0.78 against 0.58), but fewer of its samples look real (0.53 against 0.77). It tries more, and fails more often; the linear GAN keeps to what it can do. FID counts both, and here variety wins. Look at the pictures of both lessons and say which you like better: you need not agree with FID.
# * More rounds help: at 1,400 rounds the same networks were at 111.
#
# One run each, on 5,000 samples; the ± is of the samples, not of another training.
#
# Is it inventing, or has it learnt its training images by heart? Under each sample: the training image nearest to it, pixel by pixel; and the number that a copying machine would fail by.

# %% tags=["kept-picture"]
torch.manual_seed(6)
invented, unseen = draw(200).cpu(), from_uint8(test_set["image"][:200])
closest = nearest_images(invented, train_set["image"])
show(
    torch.cat([invented[:16], from_uint8(train_set["image"][closest.index[:16, 0]])]),
    alt="Top: sixteen samples. Bottom: the training image nearest to each; alike in shape, never the same",
    columns=16,
)
calm = nearest_images(unseen, train_set["image"]).distance.median()
print(
    f"median distance to the nearest training image: samples {closest.distance.median():.2f}, unseen real digits {calm:.2f}"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: sixteen samples. Bottom: the training image nearest to each; alike in shape, never the same](pictures/03_dcgan/c01afb12-1-53a920f8.webp)
#
# </details>

# %% [markdown]
# Samples lie no nearer to the training images (10.25) than unseen digits do (9.18): this is no copying machine.
#
# ## What to take away
#
# * A convolution knows that neighbours belong together and that a stroke is a stroke everywhere; it needs fewer weights than a linear layer.
# * A transposed convolution paints prints of its kernel: (side - 1) · stride - 2 · padding + kernel. Kernel 4, stride 2, padding 1 doubles, without a chessboard.
# * Depth decides what a network can see at once. A shallow D judges patches, and gets good patches.
# * BatchNorm keeps the signal alive through many layers, in both directions.
# * Directions in the code space have a meaning that nobody taught: an average of codes with, minus an average without.
#
# **To think over.** (1) D's BatchNorm normalises real images and fakes apart. What could D *not* see any more if every stage did so perfectly, and no scale and shift were learnt? What could G exploit? (2) Why does the 64x64 discriminator have no linear layer at its end, and what would change if the last convolution had kernel 1 and the logits of
# all places were averaged? (3) Adding "sunglasses" also changes the hair of some faces. Where could that come from: the data, G, or the way in which we took averages? (4) You want 96x96 images. Which layers do you change?
#
# **What can go wrong in the world.** Directions in a code space also carry what the *data* mixes up: where all judges in the photographs are men, "judge" points towards "man". The picture that a sum of codes paints looks like knowledge, and is only correlation. And since adding a smile or glasses costs one
# addition, so does changing a real person's face, if someone can find its code: ask before you edit people.
#
# **References.** Radford, Metz and Chintala 2016, arXiv:1511.06434 · Ioffe and Szegedy 2015 (BatchNorm), arXiv:1502.03167 · Dumoulin and Visin 2016 (the arithmetic of convolutions), arXiv:1603.07285 · Odena, Dumoulin and Olah 2016 (checkerboards), distill.pub/2016/deconv-checkerboard ·
# Salimans et al. 2016 (label smoothing), arXiv:1606.03498 · Heusel et al. 2017 (two time scales, FID), arXiv:1706.08500 · Miyato et al. 2018 (spectral norm), arXiv:1802.05957 · Yazıcı et al. 2019 (averaging G), arXiv:1806.04498 · White 2016 (walks on an arc), arXiv:1609.04468.
