# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · The conditional GAN
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/04_cgan.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/04_cgan.ipynb)
#
# | | |
# |---|---|
# | **You will build** | a GAN that draws the digit you ask for, and one that draws the face you describe; a number that says how often they obey; three ways to make them deaf; and at last a cross between lesson 01 and this one |
# | **You should know** | lesson 02: the two turns and their losses. Of lesson 03 only that G and D may be made of convolutions |
# | **Time** | about 75 minutes of yours. The computer needs about 6 minutes on 2 CPU cores (measured: 330 processor seconds, beside other work), about 10 on a T4-class GPU with the larger sizes (estimated, not measured) |
# | **Paper** | Mirza and Osindero, *Conditional Generative Adversarial Nets*, [arXiv:1411.1784](https://arxiv.org/abs/1411.1784); equation numbers below are theirs unless another paper is named |
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
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.data.captions import caption
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.device import evaluating, fast_precision, pick_device, pick_tier, place
from course_lib.images import from_uint8
from course_lib.metrics.attributes import attribute_accuracy
from course_lib.metrics.evaluate import conditional_accuracy, evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.similarity import psnr
from course_lib.models import dcgan
from course_lib.models.cgan import (
    Attributes,
    ConditionalGenerator,
    OneHot,
    another_row,
    cgan_players,
    class_grid,
    make_attribute_dcgan,
    make_cgan,
    make_conditional_dcgan,
    matching_loss,
    matching_players,
    sample_cgan,
)
from course_lib.models.gan import Game, adam, draw_codes, sample_gan
from course_lib.models.pretrained import fill, load_pretrained
from course_lib.models.vae import VAE, bernoulli_mean, sample_vae, vae_player
from course_lib.models.vaegan import Encoder, FeatureDiscriminator, reconstruct, vaegan_players
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, cpu_seconds, train, warm_down, warm_up_down
from course_lib.types import Codes, Images, Labels, Losses


@dataclass(frozen=True)
class Settings:
    d: int = 32  # numbers in a code of a digit
    batch: int = 64  # images a move
    maps: int = 32  # channels of the finest layer
    short_maps: int = 16  # ... of the networks in the short games
    short_steps: int = 300  # rounds of each short game
    steps: int = 1_900  # ... of the CGAN on digits
    embed_steps: int = 900  # ... of the same with an embedding
    d_face: int = 16  # numbers in a code of a face, which need not store the description
    face_batch: int = 32
    face_maps: int = 24
    faces: int = 20_000  # images
    face_steps: int = 2_800  # rounds of the CGAN on faces
    hybrid_batch: int = 32
    hybrid_steps: int = 600  # rounds of the VAE/GAN
    scored: int = 5_000  # samples behind each number


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(
        short_steps=4, steps=4, embed_steps=3, faces=400, face_steps=3, hybrid_steps=3, scored=200
    ),
    "cpu": Settings(),
    "gpu": Settings(
        maps=64, short_steps=1_000, steps=12_000, embed_steps=6_000, face_batch=64, face_maps=64, faces=100_000,
        face_steps=15_000, hybrid_batch=64, hybrid_steps=6_000,
    ),
}[TIER]  # fmt: skip
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## The idea in one picture
#
# The GANs of lessons 02 and 03 draw *something*. Which digit comes is up to the dice. A **conditional** GAN is told: it gets a **condition** y, here a label from 0 to 9, and should draw just that.

# %%
show_diagram(
    "04_cgan",
    alt="A code z, the style, and a label y, here 3, go into the generator G, which makes a fake 3. The discriminator D "
    "gets a real image or a fake, and the same label. It says one number, large for 'a real image, and of this label': "
    "yes to a real 3 told '3', no to a fake 3 told '3', and no to a perfect 7 told '3'.",
)

# %%
train_set, test_set = digits("train"), digits("test")
batches = Batches(train_set, SETTINGS.batch, seed=0, device=device)
first = batches.batch(0)
show(
    first["image"][:16],
    alt="Sixteen handwritten digits with their labels below",
    columns=16,
    labels=[str(y) for y in first["label"][:16].tolist()],
)

# %% [markdown]
# To see whether it obeys, we need a judge: a small digit classifier that never saw a fake (it comes with the course; the scores of all lessons are taken in its features). **Conditional accuracy** is
# the share of pictures that it reads as the digit that was asked for. On real images its own mistakes count too:

# %%
judge = digits_extractor(device)
real_x, real_y = from_uint8(test_set["image"]), test_set["label"]
print("real test digits, read as their label:", conditional_accuracy(real_x, real_y, judge))
print("digits that know nothing of the label: 1 in 10")

# %% [markdown]
# ## The naive try
#
# G shall draw a 3 when it is told 3. So give G the label, beside the code. D may stay as it is: it learns what real digits look like. **Predict** the conditional accuracy after a short training (about 8 seconds).
#
# The game is that of lesson 02 with its tricks: a learning rate of its own for each player (G's is twice D's, found by trying), EMA of G, and a warm-down of both rates.


# %% tags=["kept-picture"]
class Deaf(nn.Module):
    """A network that is told y and does not listen."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, y: Labels) -> Tensor:
        return self.net(x)


game = Game(d=SETTINGS.d, batch=SETTINGS.batch, generator_rate=2e-3, discriminator_rate=1e-3)
asked = torch.arange(10).repeat(50)  # 500 requests


def obeyed(G: nn.Module) -> float:
    """The share of 500 pictures that the judge reads as what was asked for."""
    return conditional_accuracy(sample_cgan(G, asked, game.d), asked, judge).value


def play(name: str, G: nn.Module, players: list[Player], steps: int) -> tuple[nn.Module, list]:
    """Train; returns the averaged G, and how well it obeyed: pairs of a round and a share."""
    ema = EMA(G, game.ema)
    curve = [(0, obeyed(ema.net))]
    rounds = train(players, batches.starting_at(0), steps, schedule=warm_down, precision=precision)
    for step in watch(rounds, label=name, alt=f"Loss curves of the game: {name}"):
        ema.update()
        if (step.index + 1) % max(1, steps // 12) == 0:
            curve.append((step.index + 1, obeyed(ema.net)))
    return ema.net, curve


def short_networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    return make_conditional_dcgan(game.d, lambda: OneHot(10), 10, maps=SETTINGS.short_maps)


G, _ = short_networks()
D = Deaf(dcgan.make_discriminator(channels=1, size=28, maps=SETTINGS.short_maps))
players = cgan_players(place(G, device), place(D, device), game)
naive_G, curve = play("only G is told", G, players, SETTINGS.short_steps)
curves = {"only G is told": curve}
torch.manual_seed(2)
show(
    class_grid(naive_G, 10, 10, game.d),
    alt="Ten rows of ten rough shapes. Each row was asked for one digit, from 0 to 9, but all rows are nearly the same",
    columns=10,
    title="asked for: a row of 0, a row of 1, ... a row of 9",
)
print(f"conditional accuracy {curve[-1][1]:.3f}")

# %% [markdown]
# One in ten: chance. And look down a column: the same shape in every row. G was told and did not care, for nobody made it care: a beautiful 7 when a 3 was asked for pleases a D that was not asked whether this is a 3. **What D does not see, G does not learn.**
#
# ## Both are told
#
# So tell D too. Everything else stays (eq. 2; the bar reads "given"; the last "|y" is in the paper's figure, its formula leaves it out):
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x}\big[\log D(x|y)\big] + \mathbb{E}_{z}\big[\log (1 - D(G(z|y)|y))\big] \tag{2}$$
#
# For each single y this is the game of lesson 02, so its results hold for each y: the best D is $p(x|y) / (p(x|y) + q(x|y))$, and what G then minimises is
#
# $$C(G) = -\log 4 + 2\,\mathbb{E}_y\,\mathrm{JSD}\big(p(\cdot|y) \,\|\, q(\cdot|y)\big).$$
#
# A D that is *not* told y sees only the mixture of all labels, p(x) against q(x). Let us compute both in a world of one pixel with two labels, where G draws perfect images but mixes up the labels: **predict** which D notices.

# %%
# NBVAL_CHECK_OUTPUT
at = torch.linspace(-6, 6, 12_001, dtype=torch.float64)
p = torch.stack(
    [torch.distributions.Normal(m, 0.5).log_prob(at).exp() for m in (-1.0, 1.0)]
)  # p(x|y), a row a y


def best_value(p: Float[Tensor, "labels points"], q: Float[Tensor, "labels points"]) -> float:
    """V of eq. (2) for the best D, averaged over the labels."""
    D = p / (p + q)
    return torch.trapezoid(p * D.log() + q * (1 - D).log(), at).mean().item()


def by_divergence(p: Float[Tensor, "labels points"], q: Float[Tensor, "labels points"]) -> float:
    middle = (p + q) / 2
    return -math.log(4) + torch.trapezoid(p * (p / middle).log() + q * (q / middle).log(), at).mean().item()


for right in (1.0, 0.75, 0.5):
    q = right * p + (1 - right) * p.flip(0)  # this share of the images comes under the right label
    mixed = p.mean(0, keepdim=True), q.mean(0, keepdim=True)
    print(f"labels right {right:4.0%}: V of a D that is told {best_value(p, q):.4f}", end="")
    print(f" (by the JSD {by_divergence(p, q):.4f}), that is not told {best_value(*mixed):.4f}")

# %% [markdown]
# The D that is not told stays at -log 4 = -1.3863, "nothing to find fault with", even when half of the labels are wrong. The other one notices at once.
#
# ## How do you tell a network a label?
#
# Not as the number 7: that would say that a 7 is more than a 3, and that a 5 lies between a 4 and a 6. Two ways are common, and both make a **vector** of it that is put beside the rest of the input:
#
# * **one-hot**: ten numbers, all 0, but a 1 in place y. Nothing to learn;
# * **embedding**: a table with a row of e numbers for each label; row y is taken. The rows are learned like all weights. It is the only practical way when there are thousands of labels.
#
# ### Exercise 1 · tell G
#
# *difficulty 1 of 5 · importance 5 of 5 · 5 minutes*
#
# Put behind each code the row of its label: d numbers, then e numbers.
#
# <details><summary>Hint</summary>
#
# `table[label]` is a row for each label, (b, e). `torch.cat([...], dim=1)` puts tensors side by side.
# </details>


# %% nbgrader={"grade": false, "grade_id": "cgan-generator-input", "locked": false, "schema_version": 3, "solution": true, "task": false}
def append_embedding(
    z: Codes, label: Labels, table: Float[Tensor, "classes e"]
) -> Float[Tensor, "b d_plus_e"]:
    """What G gets: (b, d), (b,) and a row of e numbers for each class -> (b, d + e)."""
    ### BEGIN SOLUTION
    return torch.cat([z, table[label]], dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cgan-generator-input-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
append_embedding = check("cgan/generator_input", append_embedding)

# %% [markdown]
# One-hot vectors are the special case where the table is the identity. And a linear layer that reads a one-hot vector picks one column of its weights: it *has* a table inside. So the two ways can say the same things; they differ in size, and in how loud the label is beside z at the start.

# %%
# NBVAL_CHECK_OUTPUT
z, label = torch.zeros(2, 3), torch.tensor([2, 0])
print(append_embedding(z, label, torch.eye(4)))
layer = nn.Linear(4, 6, bias=False)
same = torch.equal(layer(F.one_hot(label, 4).float()), F.embedding(label, layer.weight.T))
print("a linear layer on one-hot vectors is an embedding:", same)

# %% [markdown]
# ### Exercise 2 · tell D
#
# *difficulty 2 of 5 · importance 5 of 5 · 10 minutes*
#
# D reads a picture with a convolution, which looks at one small window at a time. A vector has no place in a picture, so give it one: `classes` more **planes** (channels) behind the picture's own, each as large as the picture, the plane of the label
# full of 1, the others of 0. Then each window sees the label.
#
# <details><summary>Hint</summary>
#
# `F.one_hot(label, classes)` is (b, classes), whole numbers; `.to(x.dtype)`. `[:, :, None, None]` gives it two more axes of length 1, and `.expand(...)` repeats along such axes (-1 keeps an axis as it is). Without `classes`, `F.one_hot` would count only the labels of this batch.
# </details>


# %% nbgrader={"grade": false, "grade_id": "cgan-discriminator-input", "locked": false, "schema_version": 3, "solution": true, "task": false}
def append_planes(x: Images, label: Labels, classes: int) -> Float[Tensor, "b c_plus_classes h w"]:
    """What D gets: (b, c, h, w) and (b,) -> (b, c + classes, h, w), a constant plane for each class."""
    ### BEGIN SOLUTION
    planes = F.one_hot(label, classes).to(x.dtype)[:, :, None, None]
    return torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cgan-discriminator-input-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
append_planes = check("cgan/discriminator_input", append_planes)

# %% tags=["kept-picture"]
channels = append_planes(first["image"][:1].cpu(), first["label"][:1].cpu(), 10)
shown = torch.cat(
    [channels[:, :1], -channels[:, 1:]], dim=1
)  # on white paper a white plane would not be seen
show(
    shown[0, :, None],
    alt="Eleven squares: a handwritten digit, and ten plain grey squares, of which the one of its label is black",
    columns=11,
    labels=["x", *map(str, range(10))],
    title="the eleven channels that D reads (in the planes 0 is grey here, 1 is black)",
)

# %% [markdown]
# ### Exercise 3 · the two turns, told
#
# *difficulty 3 of 5 · importance 5 of 5 · 15 minutes*
#
# The losses of lesson 02 with the condition in all three places. Here images are rows of numbers and y is already a vector for each, so telling is `torch.cat([..., y], dim=1)`. Return three averages, in nats:
#
# * `real`: -log D(x|y), D's loss on real images **with their own** y;
# * `fake`: -log(1 - D(G(z|y)|y)), D's loss on fakes, **detached**, with the y that they were made from;
# * `fool`: -log D(G(z|y)|y), G's loss on the same fakes.
#
# <details><summary>Hint</summary>
#
# `fake = G(torch.cat([z, y], dim=1))`. From a logit t: -log σ(t) = `F.softplus(-t)`, and -log(1 - σ(t)) = `F.softplus(t)`. `.mean()` averages.
# </details>


# %% nbgrader={"grade": false, "grade_id": "cgan-losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conditional_losses(
    G: nn.Module,
    D: nn.Module,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b classes"],
    z: Float[Tensor, "b d"],
) -> Losses:
    """{"real", "fake", "fool"}: D's two terms and G's, of eq. (2). G: (b, d + classes) -> (b, n); D: (b, n + classes) -> (b,)."""
    ### BEGIN SOLUTION
    fake = G(torch.cat([z, y], dim=1))
    return {
        "real": F.softplus(-D(torch.cat([x, y], dim=1))).mean(),
        "fake": F.softplus(D(torch.cat([fake.detach(), y], dim=1))).mean(),
        "fool": F.softplus(-D(torch.cat([fake, y], dim=1))).mean(),
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cgan-losses-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
conditional_losses = check("cgan/losses", conditional_losses)

# %% [markdown]
# By hand, a round of the game is a dozen lines. The library's `cgan_players` are `gan_players` of lesson 02 with one word more: what both are told. Is it really the same? (Plain linear networks, five rounds.)


# %%
# NBVAL_CHECK_OUTPUT
def weights(*nets: nn.Module) -> Tensor:
    return torch.cat([p.detach().cpu().flatten() for net in nets for p in net.parameters()])


def by_hand(rounds: int) -> Tensor:
    G, D = (place(net, device) for net in make_cgan(game.d, 10))
    flat_G, flat_D = nn.Sequential(G.net, nn.Flatten()), D.net
    adam_D, adam_G = adam(D, game.discriminator_rate), adam(G, game.generator_rate)
    for _, batch in zip(range(rounds), batches.starting_at(0), strict=False):
        x, y = batch["image"].flatten(1), F.one_hot(batch["label"], 10).float()
        parts = conditional_losses(flat_G, flat_D, x, y, draw_codes(len(x), game.d, device))
        adam_D.zero_grad()
        (parts["real"] + parts["fake"]).backward()
        adam_D.step()
        parts = conditional_losses(flat_G, flat_D, x, y, draw_codes(len(x), game.d, device))
        adam_G.zero_grad()
        parts["fool"].backward()
        adam_G.step()
    return weights(G, D)


def by_library(rounds: int) -> Tensor:
    G, D = (place(net, device) for net in make_cgan(game.d, 10))
    for _ in train(cgan_players(G, D, game), batches.starting_at(0), rounds):
        pass
    return weights(G, D)


results = []
for way in (by_hand, by_library):
    torch.manual_seed(3)
    results.append(way(5))
difference = (results[0] - results[1]).abs().max().item()
print("largest difference between the two below a hundred-thousandth:", difference < 1e-5)

# %% [markdown]
# ### Exercise 4 · ask for a class
#
# *difficulty 2 of 5 · importance 4 of 5 · 8 minutes*
#
# n pictures of class k, each from a code of its own: G gets n fresh codes ~ N(0, I) at every call, each followed by the one-hot vector of k (`classes` numbers). Return what G makes of them, without a gradient.
#
# <details><summary>Hint</summary>
#
# `torch.randn(n, d)`; a one-hot vector for all: `torch.eye(classes)[k].expand(n, -1)`; `with torch.no_grad():`.
# </details>


# %% nbgrader={"grade": false, "grade_id": "cgan-sample-class", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_class(G: Callable, k: int, n: int, d: int, classes: int) -> Tensor:
    """n pictures of class k; G maps (n, d + classes) -> (n, ...)."""
    ### BEGIN SOLUTION
    y = torch.eye(classes)[k].expand(n, -1)
    with torch.no_grad():
        return G(torch.cat([torch.randn(n, d), y], dim=1))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cgan-sample-class-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
sample_class = check("cgan/sample_class", sample_class)

# %% [markdown]
# ### Exercise 5 · does it obey?
#
# *difficulty 1 of 5 · importance 4 of 5 · 5 minutes*
#
# The judge gives for each picture ten probabilities. It reads the likeliest digit. Return the share of pictures that it reads as what was asked for, a number between 0 and 1 as a scalar tensor.
#
# <details><summary>Hint</summary>
#
# The likeliest class is an `argmax`, along one of the two axes. Two tensors compared by `==` give True or False for each picture, and `.float()` makes 1 and 0 of that.
# </details>


# %% nbgrader={"grade": false, "grade_id": "cgan-accuracy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accuracy(probabilities: Float[Tensor, "b classes"], label: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """The share of pictures whose likeliest class is the one asked for."""
    ### BEGIN SOLUTION
    return (probabilities.argmax(dim=1) == label).float().mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cgan-accuracy-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
accuracy = check("cgan/accuracy", accuracy)

# %% [markdown]
# ## Your code, with trained weights
#
# Before any longer training you can see your parts work together. The course brings the weights of a conditional GAN that was trained as yours will be. `fill` puts them into convolutions behind *your* `append_embedding`; your `sample_class` asks for digits, and your
# `accuracy` counts. **Predict:** below, each row was asked for one label, from 0 to 9, each picture from a code of its own. Of 500 such requests, how many will the judge read as something else?


# %% tags=["kept-picture"]
class Told(nn.Module):
    """Convolutions that get what you put behind the code: one-hot vectors, the rows of the identity."""

    def __init__(self, d: int, maps: int):
        super().__init__()
        self.net = dcgan.make_generator(d + 10, channels=1, size=28, maps=maps)

    def forward(self, z: Codes, label: Labels) -> Images:
        return self.net(append_embedding(z, label, torch.eye(10, device=z.device)))


kept = load_pretrained("cgan")
d = kept.settings["d"]
lent = fill(place(Told(d, kept.settings["maps"]), device), kept, "G")
torch.manual_seed(1)
with evaluating(lent):
    drawn = [
        sample_class(lambda codes: lent.net(codes.to(device)).float().cpu(), k, 16, d, 10) for k in range(10)
    ]
    many = torch.arange(10, device=device).repeat(50)
    obeying = accuracy(judge(lent(draw_codes(500, d, device), many))[1].to(device), many)
show(
    torch.cat(drawn),
    alt="Ten rows of sixteen digits, a row for each label from 0 to 9: nearly all of them are what was asked for, in many hands",
    columns=16,
    title="asked for: a row of 0, a row of 1, ... a row of 9",
)
print(f"conditional accuracy of 500 pictures: {obeying:.3f}")
print(
    f"{kept.kilobytes} kB of weights, trained and scored in {kept.record['processor_seconds']} processor seconds"
)

# %% [markdown]
# Of 500 requests two were read as something else; real test digits fare no better. So your parts fit together, and what is missing is a training of your own. How do you get G to obey so well, and soon?
#
# ## A third kind of pair
#
# D must learn two things at once: what real digits look like, and which label belongs to which. At first the fakes are so bad that the first is enough to win: D need not look at y at all, so it teaches G nothing about it. Reed et al. ([arXiv:1605.05396](https://arxiv.org/abs/1605.05396), section 4.2), who drew flowers from sentences, gave D a
# third kind of pair that can be told from a good one in *no other way*: a **real image with a wrong label**. D, now **matching-aware**, shall say "no" to it, as to a fake:
#
# | pair | D shall say | weight |
# |---|---|---|
# | real x, its own y | real | 1 |
# | fake G(z\|y), y | fake | 1/2 |
# | real x, another label | fake | 1/2 |
#
# The two kinds of fakes share one weight, so that there are not twice as many of them. G's turn stays as it was. (There is a price. An image that could be a 4 as well as a 9 is now often shown under the wrong label, so G learns to stay clear of such images: it draws the *clear* ones.)
#
# In the library this is `matching_loss`, three softplus in a dictionary:

# %%
# NBVAL_CHECK_OUTPUT
undecided = torch.zeros(4)
for name, value in matching_loss(undecided, undecided, undecided).items():
    print(f"{name:>10}: {value:.4f} nats")
print(f"together {sum(matching_loss(undecided, undecided, undecided).values()):.4f}: log 4, as before")

# %% [markdown]
# What is it worth? The short game of the naive try again, with D told, without and with the third kind (20 seconds for both). **Predict** both accuracies.

# %% tags=["kept-picture"]
for name, make_players in {"both are told": cgan_players, "and wrong pairs": matching_players}.items():
    G, D = short_networks()
    players = make_players(place(G, device), place(D, device), game)
    _, curves[name] = play(name, G, players, SETTINGS.short_steps)
for name, curve in curves.items():
    print(f"{name:>16}: conditional accuracy {curve[-1][1]:.3f} after {curve[-1][0]} rounds")

# %% [markdown]
# ## Digits on demand
#
# 0.64 without and 0.92 with, after equally many rounds. Now the real thing: the convolutional networks, one-hot labels, matching-aware D, EMA of G and warm-down as in lesson 02 (75 seconds). You see ten rows of what the averaged G makes of *the same* eight codes.
#
# **How to read the curves.** `mismatched` starts at 0.35 (half of log 2) and should fall soon: D has learnt what the labels mean. From then on G cannot please it with a wrong digit. Where will the others end? If G were perfect, a good pair would be real with weight 1 or fake with weight 1/2, so the best D says 2/3: `real` and `fool` would be log 3/2 = 0.41, and `fake` half of log 3, 0.55. That they come *near* those is healthy.

# %% tags=["kept-picture"]
torch.manual_seed(1)
G, D = make_conditional_dcgan(game.d, lambda: OneHot(10), 10, maps=SETTINGS.maps)
players = matching_players(place(G, device), place(D, device), game)
ema = EMA(G, game.ema)
z_fixed = draw_codes(8, game.d, device)
every_label = torch.arange(10, device=device).repeat_interleave(8)
run = train(players, batches.starting_at(0), SETTINGS.steps, schedule=warm_down, precision=precision)
began, one_hot_curve = time.process_time(), []
for step in watch(
    run,
    draw=lambda: sample_cgan(ema.net, every_label, game.d, z_fixed.repeat(10, 1)),
    columns=8,
    alt="Loss curves of the conditional GAN, and ten rows of eight digits, a row for each label",
):
    ema.update()  # your own code goes here, once a round
    if (step.index + 1) % max(1, SETTINGS.steps // 16) == 0:
        one_hot_curve.append((step.index + 1, obeyed(ema.net)))
print(f"{time.process_time() - began:.0f} processor seconds for {step.index + 1:,} rounds")

# %% [markdown]
# Ask for a seven, with your own function. Then for all digits: **a row per class, a column per code**. **Look down a column:** what do its ten digits have in common?


# %% tags=["kept-picture"]
def G_of_vectors(codes: Tensor) -> Images:
    """The averaged G as your `sample_class` calls it: codes and one-hot labels in, images out."""
    with evaluating(ema.net):
        return ema.net.net(codes.to(device)).float()


torch.manual_seed(2)
sevens = sample_class(G_of_vectors, k=7, n=32, d=game.d, classes=10)
show(
    sevens,
    alt="Thirty-two different sevens: upright or slanted, thin or bold; two or three are hard to read",
    columns=16,
    title="32 sevens, as ordered",
)
show(
    class_grid(ema.net, 10, 14, game.d),
    alt="Ten rows of fourteen digits: a row of zeros, of ones, up to nines. Down a column slant and thickness are alike",
    columns=14,
    title="a row per class, a column per code",
)


# %%
def read(n: int) -> tuple[Tensor, Labels]:
    """What the judge says of n pictures of random labels, and those labels."""
    label = torch.randint(10, (n,))
    parts = [judge(sample_cgan(ema.net, some, game.d))[1] for some in label.split(500)]
    return torch.cat(parts), label


torch.manual_seed(3)
probabilities, label = read(SETTINGS.scored)
print(f"conditional accuracy of {len(label):,} pictures: {accuracy(probabilities, label):.4f}")
for k in range(10):
    print(f"{k}: {accuracy(probabilities[label == k], label[label == k]):.3f}", end="   ")

codes = draw_codes(200, game.d)
ink = torch.stack(
    [sample_cgan(ema.net, torch.full((200,), k), game.d, codes).mean((1, 2, 3)) for k in range(10)]
)
alike = (torch.corrcoef(ink.cpu()).sum() - 10) / 90  # of each label with each other one
print(f"\na code that draws one digit bold draws the others bold: correlation of the ink {alike:.2f}")

# %% [markdown]
# Nobody told G what "style" is. But y already says which digit it is, so z is left with all the rest: slant, thickness, width. To use its weights well G lets one code mean the same for all labels.
#
# ### By embedding
#
# The same game once more; only the ten numbers that tell the label are now learned, by each network for itself, instead of one-hot. One word changes: `nn.Embedding(10, 10)` for `OneHot(10)` (35 seconds, half as many rounds).

# %% tags=["kept-picture"]
torch.manual_seed(1)
G, D = make_conditional_dcgan(game.d, lambda: nn.Embedding(10, 10), 10, maps=SETTINGS.maps)
players = matching_players(place(G, device), place(D, device), game)
embedded_G, embedded_curve = play("by embedding", G, players, SETTINGS.embed_steps)
show(
    class_grid(embedded_G, 10, 16, game.d)[:64],
    alt="Four rows of sixteen digits from the network with embedded labels: zeros to threes",
    columns=16,
)
plot_curves(
    {"one-hot": one_hot_curve, "embedding": embedded_curve},
    alt="Conditional accuracy over the rounds: the embedding's curve rises from chance above 0.9 within 100 rounds, is ahead at 200 and falls a little behind later; the one-hot curve begins at 0.94 and ends near 1",
    xlabel="round",
    ylabel="conditional accuracy",
)
for name, curve in {"one-hot": one_hot_curve, "embedding": embedded_curve}.items():
    print(f"{name:>9}: conditional accuracy {curve[-1][1]:.3f} after {curve[-1][0]:,} rounds")

# %% [markdown]
# Both learn to obey within the first two hundred rounds. Then they go up and down a little: at first the embedding is ahead, after 900 rounds one-hot (one run each: no ranking). Ten labels are few; with thousands only the embedding is left, and its rows can say which labels are alike.
#
# ## Explore: one style, ten labels
#
# One picture is one z under all ten labels. The slider walks on an arc from one code to another (lesson 02 says why an arc). **Predict:** when z changes, can the *label* of a picture change?


# %%
torch.manual_seed(5)
styles = draw_codes(10, game.d, device)


def side_by_side(images: Images) -> Images:
    """(n, c, h, w) -> one picture, twice as large, of all n in a row."""
    return torch.cat(list(images.repeat_interleave(2, 2).repeat_interleave(2, 3)), dim=2)[None]


def under_one_code(t: float, start: int, end: int) -> Images:
    z = math.cos(t * math.pi / 2) * styles[start] + math.sin(t * math.pi / 2) * styles[end]
    return side_by_side(sample_cgan(ema.net, torch.arange(10), game.d, z.expand(10, -1)))


explore(
    under_one_code,
    t=(0.0, 1.0, 0.5),
    start=(0, 9, 0),
    end=(0, 9, 1),
    alt="The digits 0 to 9 in one style, which changes on the way from one code to another",
)

# %% [markdown]
# The strokes change, and in each place the digit stays. And the other way round: hold z, and walk from one *label* to another. The vector (1 - t) · one-hot(4) + t · one-hot(9) is a label that G has never seen. **Predict** what it makes of it.

# %% tags=["kept-picture"]
pairs = [(4, 9), (3, 8), (1, 7), (0, 6)]
eye, t = torch.eye(10, device=device), torch.linspace(0, 1, 16, device=device)[:, None]
show(
    torch.cat(
        [
            G_of_vectors(torch.cat([styles[[row]].expand(16, -1), (1 - t) * eye[a] + t * eye[b]], dim=1))
            for row, (a, b) in enumerate(pairs)
        ]
    ),
    alt="Four rows of sixteen: a 4 becomes a 9, a 3 an 8, a 1 a 7, a 0 a 6, in one style and by small changes",
    columns=16,
)

# %% [markdown]
# Between two labels come shapes between two digits, by small changes: G has learnt no border.
#
# ## Faces by description
#
# A condition need not be one label. A face of this course has seven **attributes** with 35 values in all: skin, hair colour, hair style, mouth, glasses, hat, background; 5 · 5 · 5 · 5 · 4 · 5 · 6 = 75,000 descriptions, of which most are never seen in training. Each attribute one-hot, side by side, are 35 numbers: y.
#
# 35 planes behind three colour channels would make D's first convolution, the one with the most pixels, nearly thirteen times as dear. Reed et al. tell D late: the convolutions first turn the picture into 96 channels of 4x4 places, and *there* the planes are put beside them; one more convolution reads both. The wrong pairs are real faces with their neighbour's
# description. The batches are half as large, and so come twice as often. Everything else is as before, with colour (85 seconds). What will be left for z?


# %% tags=["kept-picture"]
def describe(people: dict[str, Tensor]) -> Int[Tensor, "b attributes"]:
    return torch.stack([people[name] for name in ATTRIBUTES], dim=1)


people, strangers = faces(SETTINGS.faces, seed=0), faces(1000, seed=1)  # another seed: never seen in training
face_batches = Batches(
    {"image": people["image"], "description": describe(people)},
    SETTINGS.face_batch,
    seed=0,
    device=device,
)
wanted = describe(strangers).to(device)
choices = tuple(len(values) for values in ATTRIBUTES.values())
face_game = Game(d=SETTINGS.d_face, batch=SETTINGS.face_batch, generator_rate=2e-3)
torch.manual_seed(1)
face_G, face_D = make_attribute_dcgan(face_game.d, choices, maps=SETTINGS.face_maps)
players = matching_players(
    place(face_G, device), place(face_D, device), face_game, "description", another=another_row
)
face_ema = EMA(face_G, face_game.ema)
face_z = draw_codes(4, face_game.d, device).repeat_interleave(8, 0)


def draw_strangers() -> Images:
    return sample_cgan(face_ema.net, wanted[:8].repeat(4, 1), face_game.d, face_z)


run = train(players, face_batches, SETTINGS.face_steps, schedule=warm_down, precision=precision)
for step in watch(
    run,
    draw=lambda: draw_strangers()[:16],
    columns=8,
    alt="Loss curves of the conditional GAN on faces, and its faces",
):
    face_ema.update()

# %% [markdown]
# Top: eight people whom G has never seen. Below: what it draws from their *descriptions* alone, each row with another z.

# %% tags=["kept-picture"]
print("the first is", caption(strangers, 0))
show(
    torch.cat([from_uint8(strangers["image"][:8]), draw_strangers().cpu()]),
    alt="Top: eight drawn faces. Below, four rows of rougher faces with the hat, hair style and background of the face above them, but with blurred eyes and mouths; shirt and tilt of the head change from row to row",
    columns=8,
)

# %% [markdown]
# z is left with what the description does not say: the colour of the shirt, the tilt of the head.
#
# Does it obey, word by word? A judge for faces reads all seven attributes (it is right on 99.8 % or more of real ones). Chance is one over the number of values.

# %%
torch.manual_seed(4)
drawn = torch.cat([sample_cgan(face_ema.net, some, face_game.d).cpu() for some in wanted.split(250)])
found = attribute_accuracy(drawn, {name: strangers[name] for name in ATTRIBUTES})
lines = [
    f"| {name.replace('_', ' ')} | {1 / len(ATTRIBUTES[name]):.2f} | {share} |"
    for name, share in found.items()
]
display(Markdown("\n".join(["| attribute | chance | as asked, of 1,000 |", "|---|---:|---:|", *lines])))
print(f"average of the seven: {sum(share.value for share in found.values()) / len(found):.3f}")


# %%
def person(hat: str, hair_colour: str, glasses: str, hair_style: str, skin: str, z: int) -> Images:
    """One face: everything else is that of the first stranger."""
    one = wanted[:1].clone()
    chosen = {
        "hat": hat,
        "hair_colour": hair_colour,
        "glasses": glasses,
        "hair_style": hair_style,
        "skin": skin,
    }
    for column, (name, values) in enumerate(ATTRIBUTES.items()):
        if name in chosen:
            one[0, column] = values.index(chosen[name])
    code = torch.randn(1, face_game.d, generator=torch.Generator().manual_seed(z))
    return sample_cgan(face_ema.net, one, face_game.d, code)


explore(
    person,
    **{name: list(ATTRIBUTES[name]) for name in ("hat", "hair_colour", "glasses", "hair_style", "skin")},
    z=(0, 20, 1),
    alt="The same person with no hat, a cap, a beanie, a straw hat and a crown",
)

# %% [markdown]
# One word of the description changes, and z stays: so should everything else. Read the table once more: what fills many pixels (background, hat, hair) is as asked, what fills few is often wrong: glasses are as asked in 53 % of the faces and the mouth in 33 %, where chance is 25 % and 20 %. The curves say why it is not finished: D's terms have fallen below 0.1 and `fool` stands at 2.5, so D is well ahead,
# and it is D that must first see a mouth before G is taught to draw it. The larger sizes on a GPU are for that.
#
# ## Break it on purpose
#
# ### One switch: who is told what
#
# You have seen G told and D deaf. Two more positions of the switch, each in the short game of the naive try (20 seconds for both):
#
# * **a label that means nothing:** both are told, but D gets its real images and its fakes under shuffled labels, those of other images of the batch. (One wrong line in a data loader does it.)
# * **only D is told:** G has to guess what was asked for.
#
# **Predict** the accuracy in each position.


# %% tags=["kept-picture"]
class Garbled(nn.Module):
    """A D that is told the label of another image of the batch."""

    def __init__(self, D: nn.Module):
        super().__init__()
        self.D = D

    def forward(self, x: Images, y: Labels) -> Tensor:
        return self.D(x, y[torch.randperm(len(y), device=y.device)])


G, D = short_networks()
players = cgan_players(place(G, device), place(Garbled(D), device), game)
_, curves["D hears other labels"] = play("D hears other labels", G, players, SETTINGS.short_steps)
_, D = short_networks()
G = Deaf(dcgan.make_generator(game.d, channels=1, size=28, maps=SETTINGS.short_maps))
players = cgan_players(place(G, device), place(D, device), game)
_, curves["only D is told"] = play("only D is told", G, players, SETTINGS.short_steps)
plot_curves(
    curves,
    alt="Conditional accuracy over the rounds: the game with wrong pairs rises first and highest, the one where both are told later; three lines stay at one tenth",
    xlabel="round",
    ylabel="conditional accuracy",
)
for name, curve in curves.items():
    print(f"{name:>20}: conditional accuracy {curve[-1][1]:.3f}")

# %% [markdown]
# Three ways to be deaf, one number: 0.1. Where only G is told, or the labels mean nothing, the losses look as healthy as any. (Where only D is told it wins slowly, for it catches G by the label: `fool` climbs to 2.) A D that *can* hear, but whose labels mean nothing, learns to ignore them, which is as good as not hearing. Whoever trains a conditional GAN and never measures conditional accuracy will not notice, for the pictures are not worse.
#
# ## Measure it
#
# **FID** compares 84 features with those of real digits: 0 is perfect, "real v real" is what other real digits get. "Plain GAN" is the naive try: with a D that is not told the label. **Predict:** what would FID say of a G whose digits are perfect, but of the wrong class half of the time? (About 20 seconds.)


# %%
def of_random_labels(G: nn.Module) -> Callable[[int], Images]:
    return lambda n: sample_cgan(G, torch.randint(10, (n,)), game.d)


def obeys(G: nn.Module, n: int) -> str:
    label = torch.arange(n) % 10
    images = torch.cat([sample_cgan(G, some, game.d).cpu() for some in label.split(500)])
    return str(conditional_accuracy(images, label, judge))


torch.manual_seed(6)
generators = {
    f"plain GAN, {SETTINGS.short_steps} rounds": naive_G,
    f"CGAN by embedding, {SETTINGS.embed_steps:,} rounds": embedded_G,
    f"CGAN, one-hot, {SETTINGS.steps:,} rounds": ema.net,
}
scores = {
    name: evaluate(of_random_labels(G), reference="digits", n=SETTINGS.scored)
    for name, G in generators.items()
}
display(Markdown(score_table(scores)))
for name, G in generators.items():
    print(f"{name:>36}: conditional accuracy {obeys(G, SETTINGS.scored)}")

# %% [markdown]
# The answer to the question: nothing. FID looks at the heap of all samples and does not know what was asked for. So read both numbers. In the run kept here (± is of the 5,000 samples, not of another training):
#
# * **The CGAN** has FID 14.8 ± 1.1 and obeys in 99.3 % of 5,000 requests; real test digits are read as their label in 99.4 %. Beside it, in the same features and with as many samples: the plain GAN of lesson 02, after about as many processor seconds, 80.7 ± 3.5, and the VAE there 210.7 ± 4.0. Not all of that is the label's merit: this G and D have convolutions. But so had the DCGAN of lesson 03, 59.0 ± 2.6 after 66 seconds; it had three stages and 16 maps. Here are only two stages, lesson 03's "shallow" ones, but 32 maps, a label and wrong pairs. Which of these did it? Change one at a time.
# * **The embedding** had half as many rounds, and its pictures are rougher (91.3 ± 3.5). It obeys in 95.1 %.
# * **The plain GAN** of the naive try had 300 rounds and half as many channels, so do not rank its FID. Its conditional accuracy is chance, and would be after any number of rounds.
#
# ## Last: a VAE and a GAN in one
#
# A VAE (lesson 01) can find the code of a given image, and leaves nothing out; but its pictures are soft, because it compares pixels, and a stroke that is one pixel too far to the left is "wrong" twice. A GAN is sharp and has no encoder. Larsen et al. ([arXiv:1512.09300](https://arxiv.org/abs/1512.09300)) join them: one network is the VAE's decoder *and* the GAN's G, and images are compared **in the features
# of D** instead of in pixels (their eq. 7 and 8):
#
# $$\mathcal{L}_{\text{like}} = -\mathbb{E}_{z \sim q(z|x)}\big[\log \mathcal{N}\big(D_l(x);\, D_l(G(z)),\, I\big)\big] = \tfrac{1}{2}\, \mathbb{E}_{z \sim q(z|x)} \|D_l(x) - D_l(G(z))\|^2 + \text{const}$$
#
# where $D_l$ is what D saw before its verdict: edges, corners, strokes. Three players move in each round (their Algorithm 1):
#
# * **E**, the encoder, makes KL + like small: as in lesson 01, with another idea of "alike";
# * **G** makes γ · like - log D small, on rebuilt images and on samples: it rebuilds *and* fools;
# * **D** tells real images from both kinds of fakes.
#
# Beside it stands a VAE of lesson 01 with the same processor seconds (50 seconds for both). **Predict:** which of the two rebuilds better, measured in pixels? And in FID?

# %% tags=["kept-picture"]
torch.manual_seed(1)
E = place(Encoder(game.d), device)
G = place(dcgan.make_generator(game.d, channels=1, size=28, maps=SETTINGS.maps), device)
D = place(FeatureDiscriminator(channels=1, size=28, maps=SETTINGS.maps), device)
averages = EMA(E, game.ema), EMA(G, game.ema)
z_fixed = draw_codes(32, game.d, device)
run = train(
    vaegan_players(E, G, D, game, gamma=1e-3),
    Batches(train_set, SETTINGS.hybrid_batch, seed=0, device=device),
    SETTINGS.hybrid_steps,
    schedule=warm_down,
    precision=precision,
)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: sample_gan(averages[1].net, z_fixed),
    columns=16,
    label="VAE/GAN",
    alt="Loss curves of the VAE/GAN's three players, and digits drawn from 32 fixed codes",
):
    for average in averages:
        average.update()
spent = time.process_time() - began

torch.manual_seed(1)
vae = place(VAE(16), device)
run = train(
    [vae_player(vae)], batches.starting_at(0), cpu_seconds(spent), schedule=warm_up_down, precision=precision
)
for step in watch(run, label="VAE", alt="Loss curves of the VAE"):
    pass

# %% tags=["kept-picture"]
x = real_x[:1000].to(device)
with evaluating(vae):
    by_vae = bernoulli_mean(vae.decode(vae.encode(x)[0]))
by_hybrid = reconstruct(averages[0].net, averages[1].net, x)
show(
    torch.cat([x[:16], by_vae[:16], by_hybrid[:16]]),
    alt="Three rows of the same sixteen digits: real; rebuilt by the VAE, soft; rebuilt by the VAE/GAN, with hard strokes",
    columns=16,
    title="real test digits, rebuilt by the VAE, rebuilt by the VAE/GAN",
)
torch.manual_seed(7)
for name, images in {
    "VAE": sample_vae(vae, 32),
    "VAE/GAN": sample_gan(averages[1].net, draw_codes(32, game.d)),
}.items():
    show(images, alt=f"Thirty-two samples of the {name}", columns=16, title=f"samples of the {name}")
for name, rebuilt in {"VAE": by_vae, "VAE/GAN": by_hybrid}.items():
    score = evaluate(rebuilt, reference="digits", n=len(rebuilt))
    print(
        f"rebuilt by the {name:>7}: {psnr(rebuilt, x).mean():.1f} dB in pixels, FID of 1,000 {score.fid}, ",
        end="",
    )
    print("read as the same digit", conditional_accuracy(rebuilt, real_y[:1000], judge))

# %%
scores |= {
    "VAE, same seconds": evaluate(lambda n: sample_vae(vae, n), reference="digits", n=SETTINGS.scored),
    "VAE/GAN": evaluate(
        lambda n: sample_gan(averages[1].net, draw_codes(n, game.d)), reference="digits", n=SETTINGS.scored
    ),
}
display(Markdown(score_table(scores)))

# %% [markdown]
# In pixels the VAE rebuilds better (20.5 against 17.9 dB): it was trained on nothing else. Look at the rows: the VAE/GAN's strokes are hard and sometimes in another place, which costs dear in pixels and little in features: FID of the rebuilt digits 30.4 ± 6.0 against 72.8 ± 6.9. The judge reads about as many as the same digit.
# The samples are better too, 218.8 ± 4.1 against 305.2 ± 4.9, by variety (recall 0.56 against 0.45); the VAE's have the higher precision. Both had half a minute, so neither is finished (the VAE of lesson 01 reached 223 in its longer training), and an image costs the three players about twice what it costs the two. For samples alone, the game of two above is the better use of a minute. The hybrid is for those who
# also need the code of a *given* image. γ weighs rebuilding against fooling: in trials that are not kept here, with 0.01 it rebuilt better and drew worse, with 0.0001 the other way round.
#
# ## What to take away
#
# * A condition is told to **both** networks. What D does not see, G does not learn.
# * For each y the conditional game is the plain game, so its theory and its losses stay.
# * A label becomes a vector, one-hot or by embedding: behind the code for G, as planes for a convolution in D, early or late.
# * Real images with wrong labels teach D at once what a label means.
# * z is left with what y does not say: the style.
# * Conditional accuracy and FID see different things. Measure both.
#
# **To think over.** (1) Suppose your G obeyed 99.9 % of the time, more often than real digits are read as their label. Is that good news? (2) A data set has 1,000 pictures of cats and ten of otters. What will the row of otters look like? (3) The description says nothing of the pose. How could you turn *only* the head? (4) D says no to a real 7 under the label 3. Why can G not use that to cheat?
#
# **What can go wrong in the world.** A label is a decision of people: who is "young", whose hair is "curly", which sex a face has. A conditional generator learns those decisions and draws them larger than life. If in the data an attribute goes with another one (glasses with age, say), asking for the one brings the other. And a generator that takes orders is easier to misuse than one that
# does not: "this person, but ..." is how pictures are forged. Our faces are drawn by a program; nobody's photograph is in this lesson.
#
# **References.** Mirza and Osindero 2014, arXiv:1411.1784 · Reed et al. 2016 (matching-aware D), arXiv:1605.05396 · Radford, Metz and Chintala 2016 (DCGAN), arXiv:1511.06434 · Odena, Olah and Shlens 2017 (a D that also names the class), arXiv:1610.09585 · Miyato and Koyama 2018 (projection, a cheaper way to tell D), arXiv:1802.05637 ·
# Perarnau et al. 2016 (editing attributes), arXiv:1611.06355 · Larsen et al. 2016 (VAE/GAN), arXiv:1512.09300 · Heusel et al. 2017 (FID), arXiv:1706.08500.
