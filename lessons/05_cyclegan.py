# %% [markdown]
# # 05 · CycleGAN
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/05_cyclegan.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/05_cyclegan.ipynb)
#
# | | |
# |---|---|
# | **You will build** | two translators that turn day into night and night into day without ever having seen one pair; beside them pix2pix, which has seen pairs; and three ways in which the cycle goes wrong, each with a number |
# | **You should know** | lesson 02: the game of G and D, `.detach()`, least squares. Lesson 03 helps with convolutions |
# | **Time** | about 80 minutes of yours. The computer needs about 5 minutes on 2 CPU cores (measured: 4 min 54 s on one core, beside other work); about 5 minutes on a T4-class GPU with the larger sizes (estimated) |
# | **Paper** | Zhu et al., *Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks*, [arXiv:1703.10593](https://arxiv.org/abs/1703.10593); equation and section numbers below are theirs unless another paper is named |
#
# You write six small functions. Each is checked at once, and if you are stuck the check hands you the
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
from dataclasses import dataclass, replace

import course_lib  # before torch: it tells idle threads to sleep
import torch
from IPython.display import Markdown, display
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.faces import ATTRIBUTES
from course_lib.data.unpaired import (
    PairedBatches,
    UnpairedBatches,
    face_domains,
    face_pairs,
    images_of,
    named_domains,
)
from course_lib.device import fast_precision, pick_device, pick_tier, place
from course_lib.metrics.attributes import attribute_accuracy, read_attributes
from course_lib.metrics.evaluate import evaluate, score_table
from course_lib.metrics.features import faces_extractor
from course_lib.metrics.similarity import psnr, ssim
from course_lib.models.cyclegan import (
    CycleGAN,
    Game,
    Pool,
    cyclegan_players,
    identity_loss,
    linear_decay,
    make_discriminator,
    make_generator,
    make_small_generator,
    measured_field,
    one_group,
    translate,
)
from course_lib.models.gan import adam
from course_lib.models.pix2pix import PairGame, make_pair_discriminator, make_unet, pix2pix_players
from course_lib.models.pretrained import load_pretrained
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show
from course_lib.training.ema import EMA
from course_lib.training.loop import train
from course_lib.types import Images, Losses


@dataclass(frozen=True)
class Settings:
    faces: int = 4_000  # people in each domain to learn from
    held_out: int = 500  # people in each domain that nobody learns from
    batch: int = 16  # images of each domain a move
    maps: int = 32  # of the small generator
    blocks: int = 3
    steps: int = 2_000  # moves of the day-and-night game
    pair_steps: int = 800  # pix2pix
    broken_steps: int = 300  # without the cycle loss
    sketch_steps: int = 1_500  # photo and sketch


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(
        faces=64, held_out=40, maps=8, blocks=1, steps=3, pair_steps=3, broken_steps=3, sketch_steps=3
    ),
    "cpu": Settings(),
    "gpu": Settings(
        faces=20_000, maps=64, blocks=6, steps=8_000, pair_steps=3_000, broken_steps=2_000, sketch_steps=5_000
    ),
}[TIER]
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## Two heaps of pictures
#
# You have a heap of photos taken by day and a heap taken by night. You want a machine that turns the one into the other. If you had each scene **twice**, once by day and once by night, this would be ordinary regression. But who has that?
# Horses do not hold still until they are zebras. All there is are two heaps, **X** and **Y**.
#
# Our heaps are faces that the course draws itself: X by day (`photo`), Y by moonlight with a lamp (`night`). **Nobody is in both heaps.** But since we draw them, we can draw *held-out* people both ways, and so know the truth about every
# translation: something that nobody who collects photographs can have.

# %% tags=["kept-picture"]
domains = face_domains(SETTINGS.faces, test=SETTINGS.held_out, seed=5, styles=("photo", "night"))
show(
    torch.cat([images_of(domains.train[0], slice(0, 8)), images_of(domains.train[1], slice(0, 8))]),
    alt="Top: eight cartoon faces by day on coloured backgrounds. Bottom: eight other faces in blue moonlight",
    columns=8,
    title="to learn from: X above, Y below; 16 different people",
)
x_test, y_test = images_of(domains.test[0]), images_of(domains.test[1])  # held-out days, held-out nights
y_true, x_true = images_of(domains.truth[0]), images_of(domains.truth[1])  # what each looks like over there

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: eight cartoon faces by day on coloured backgrounds. Bottom: eight other faces in blue moonlight](pictures/05_cyclegan/55a0eccd-1-55d69541.webp)
#
# </details>

# %% [markdown]
# Four numbers for a translation of the held-out nights into days:
#
# * **PSNR**, in decibels: how near it is to the true day, pixel by pixel; 3 dB more is half the squared error. **SSIM**: the same of local structure, at most 1.
# * **Attributes**: a small classifier, trained on photos, reads seven things off each face (skin, hair, hat, glasses, mouth, background ...). How often are they those of the person? We give the **average** of the seven and the **worst**.
#
# The first floor is doing nothing at all. **The naive try** is the second: give the night the average and the spread that photos have, in each colour. **Predict:** what will that get right, what not?

# %% tags=["kept-picture"]
extractor = faces_extractor(device)


def score(
    translated: Images, truth: Images, people: dict[str, Tensor], names: tuple[str, ...] = tuple(ATTRIBUTES)
) -> dict[str, float]:
    asked = {name: people[name] for name in names}
    found = {name: hit.value for name, hit in attribute_accuracy(translated, asked, extractor).items()}
    worst = min(found, key=found.get)
    return {
        "PSNR, dB": psnr(translated, truth).mean().item(),
        "SSIM": ssim(translated, truth).mean().item(),
        "attributes": sum(found.values()) / len(found),
        f"worst ({worst})": found[worst],
    }


def recolour(y: Images, like: Images) -> Images:
    """Each colour channel with the average and the spread that it has in the images `like`."""
    mean, std = like.mean((0, 2, 3), keepdim=True), like.std((0, 2, 3), keepdim=True)
    return ((y - y.mean((0, 2, 3), keepdim=True)) / y.std((0, 2, 3), keepdim=True) * std + mean).clamp(-1, 1)


def tell(name: str, found: dict[str, float]) -> None:
    print(f"{name:>26}: " + ", ".join(f"{key} {value:.2f}" for key, value in found.items()))


nights = domains.test[1]  # who they are
recoloured = recolour(y_test, images_of(domains.train[0]))
table = {
    "doing nothing": score(y_test, x_true, nights),
    "recoloured": score(recoloured, x_true, nights),
}
for name, found in table.items():
    tell(name, found)
show(
    torch.cat([y_test[:7], recoloured[:7], x_true[:7]]),
    alt="Three rows: faces by night; the same, brighter but with the lamp's glow still on one side; and the true days",
    columns=7,
    title="night, recoloured, truth",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Three rows: faces by night; the same, brighter but with the lamp's glow still on one side; and the true days](pictures/05_cyclegan/f2cc71ea-1-d158c5ce.webp)
#
# </details>

# %% [markdown]
# The classifier reads the night faces well (they are the same shapes in other light), so "attributes" alone says nothing here: a translation has to come nearer to the truth *and* stay the same person. Recolouring is better than nothing, but a rule that is the same for every
# pixel cannot take the lamp away. For that one has to know what a face is.
#
# ## The idea in one picture

# %%
show_diagram(
    "05_cyclegan",
    alt="A photo x goes through the translator G and becomes a night; the judge D_Y compares patches of it with real "
    "nights of other people. The translator F leads from the night back to a photo, and a dashed line says that F(G(x)) "
    "must be x again. The same game is played in the other direction.",
)


# %% [markdown]
# * **G** translates X into Y, **F** translates Y into X. (In this lesson F is a network, as in the paper, and not `torch.nn.functional`.)
# * **D_Y** tells real nights from G's, **D_X** tells real days from F's. That is the game of lesson 02, twice, with an image in the place of the code z.
#
# Is that not enough? D_Y only asks that G(x) be *some* night. G could turn every photo into the same perfect night, or each into the night of *somebody else*, and D_Y would be content. What ties the translation to its original is the **cycle**: who goes there and back must arrive where he started (eq. 2).
#
# $$\mathcal L_{cyc}(G, F) = \mathbb E_x\big[\|F(G(x)) - x\|_1\big] + \mathbb E_y\big[\|G(F(y)) - y\|_1\big] \tag{2}$$
#
# ### Exercise 1 · the cycle loss
#
# *difficulty 1 of 5 · importance 5 of 5 · 5 minutes*
#
# Both terms, each averaged over images **and** pixels (so that it does not grow with the size of the picture), added up. There may be more x than y. The gradient must reach both translators on both ways.
#
# <details><summary>Hint</summary>
#
# `(F(G(x)) - x).abs().mean()` is the first term.
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-cycle", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cycle_loss(G, F, x: Tensor, y: Tensor) -> Float[Tensor, ""]:
    """Eq. (2) for images x of X and y of Y: a scalar, in units of a pixel's value."""
    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/cycle is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-cycle-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
cycle_loss = check("cyclegan/cycle", cycle_loss)


# %% [markdown]
# ## A judge of patches
#
# Whether a picture was taken by night can be seen in any corner of it. So the discriminator need not look at the whole image: a **PatchGAN** is a stack of convolutions that ends not in one number but in a small map of numbers, one for each overlapping patch. It has fewer weights, judges images of any size, and gives G advice for every place.
# The paper's has three convolutions of stride 2 and two of stride 1, all with kernel 4. How large is the patch behind one number?
#
# ### Exercise 2 · the patch
#
# *difficulty 3 of 5 · importance 3 of 5 · 10 minutes*
#
# Go *backwards*, from one number of the output. If `side` places in the output of a layer are looked at, they see (side - 1) · stride + kernel places of its input: the first sees `kernel`, each further one is `stride` further on. Layers: first `halvings` of stride 2, then two of stride 1, all with the same kernel. Return a Python int.
#
# <details><summary>Hint</summary>
#
# Start with `side = 1`. `for stride in [1, 1] + [2] * halvings:` goes through the layers from the last to the first.
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-patch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def patch_size(kernel: int, halvings: int) -> int:
    """Side, in pixels, of the patch that one number of a PatchGAN's output depends on."""
    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/patch is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-patch-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
patch_size = check("cyclegan/patch", patch_size)

# %% [markdown]
# Do not believe a formula: ask the network. The gradient of one output with respect to the image is zero wherever that output does not look.

# %%
for halvings in (1, 2, 3):
    D = make_discriminator(3, 4, halvings).double()
    print(
        f"{halvings} halvings: {patch_size(4, halvings)} by the formula, {measured_field(D, 160)} by gradient"
    )
D, G = make_discriminator(), make_generator()
print(f"the paper's D: {sum(p.numel() for p in D.parameters()):,} parameters")
print(f"the paper's G, with nine residual blocks: {sum(p.numel() for p in G.parameters()):,} parameters")
del D, G


# %% [markdown]
# ### Exercise 3 · D's turn
#
# *difficulty 2 of 5 · importance 5 of 5 · 10 minutes*
#
# CycleGAN plays with **least squares** (lesson 02): D's bare output shall be 1 on every patch of a real image and 0 on every patch of a fake. The squares are averaged over images and patches, and halved, which slows D down beside G (section 4):
# `real`: ½ (D(y) - 1)², and `fake`: ½ D(G(x))². Who must not learn in D's turn?
#
# <details><summary>Hint</summary>
#
# `D(fake.detach())`. `(t - 1).square().mean()` is the average of the squares.
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_loss(D, real: Tensor, fake: Tensor) -> Losses:
    """{"real": ..., "fake": ...}: what D minimises on real images and on fakes, which stay as they are."""
    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/discriminator is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-discriminator-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
discriminator_loss = check("cyclegan/discriminator", discriminator_loss)


# %% [markdown]
# ### Exercise 4 · the translators' turn
#
# *difficulty 3 of 5 · importance 5 of 5 · 10 minutes*
#
# Now all of eq. (3), as G and F see it. Three terms:
#
# | name | what | who judges |
# |---|---|---|
# | `fool x` | (D_X(F(y)) - 1)², averaged | F(y) claims to be an x |
# | `fool y` | (D_Y(G(x)) - 1)², averaged | G(x) claims to be a y |
# | `cycle` | `weight` times eq. (2) | nobody: the original is at hand |
#
# `weight` is the λ of eq. (3); the paper takes 10. Each translation is needed twice: make it once.
#
# <details><summary>Hint</summary>
#
# `fake_y, fake_x = G(x), F(y)`; then the way back is `F(fake_y)` and `G(fake_x)`. (Calling your `cycle_loss` is right too, and costs two passes more.)
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-generators", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generators_loss(G, F, D_X, D_Y, x: Tensor, y: Tensor, weight: float) -> Losses:
    """{"fool x": ..., "fool y": ..., "cycle": ...}: what G and F minimise together."""
    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/generators is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-generators-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
generators_loss = check("cyclegan/generators", generators_loss)


# %% [markdown]
# ### Exercise 5 · the pool of old fakes
#
# *difficulty 2 of 5 · importance 3 of 5 · 10 minutes*
#
# Lesson 02 ended with a question: what of a D that remembers *old* fakes? Here it does. If D sees only the newest fakes it forgets what G did yesterday, and the two run in circles. So 50 old fakes are kept in a **pool** ([arXiv:1612.07828](https://arxiv.org/abs/1612.07828)), and for each new fake a coin is thrown: heads, and D is shown the new one;
# tails, and D is shown one from the pool, whose seat the new one takes. Write the exchange for a pool that is full. The coins are thrown already: where `coin[i]` is True (tails), fake i changes places with seat `place[i]`; where it is False (heads), D sees fake i itself. No seat is drawn twice. Return what D is shown, and the pool afterwards, and leave the inputs as they are.
#
# <details><summary>Hint</summary>
#
# `shown, after = fakes.clone(), pool.clone()`, then `shown[coin] = pool[place[coin]]`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exchange(
    pool: Float[Tensor, "n *image"],
    fakes: Float[Tensor, "b *image"],
    coin: Bool[Tensor, " b"],
    place: Int[Tensor, " b"],
) -> tuple[Float[Tensor, "b *image"], Float[Tensor, "n *image"]]:
    """What D is shown in the place of the fakes, and the pool afterwards."""
    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/pool is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-pool-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
exchange = check("cyclegan/pool", exchange)

# %% [markdown]
# How old are the fakes that D is shown? Let us number them. **Predict** the share of old ones, and their average age, in fakes.

# %%
torch.manual_seed(0)
pool, ages, many = torch.arange(50.0), [], 20_000
for number in range(50, 50 + many):
    coin, place_of = torch.rand(1) < 0.5, torch.randint(50, (1,))
    shown, pool = exchange(pool, torch.tensor([float(number)]), coin, place_of)
    ages.append(number - shown.item())
old = [age for age in ages if age > 0]
print(f"{len(old) / many:.1%} of what D is shown is old, {sum(old) / len(old):.0f} fakes old on average")


# %% [markdown]
# Half of it; and an old fake has waited for 100 newer ones on average, since each new fake takes its seat with probability 1/2 · 1/50. With 16 fakes a move that is about six moves.
#
# ### Exercise 6 · the residual block
#
# *difficulty 2 of 5 · importance 4 of 5 · 10 minutes*
#
# A translator is no ordinary generator: most of what comes in should go out. Its heart is the **residual block**, x + h(x), which has to learn only what to *change*. h is: convolution 3x3, instance norm, ReLU, convolution 3x3, instance norm. The shape stays the same, so the borders are padded by 1, and **mirrored** (`padding_mode="reflect"`), not filled with zeros,
# which would draw a frame. **Instance norm** (`nn.InstanceNorm2d`, without weights) gives every map of every image the average 0 and the spread 1 by itself; unlike BatchNorm it leaves no trace of the other images of the batch. Nothing comes after the sum. Return a module.
#
# <details><summary>Hint</summary>
#
# A class of `nn.Module` whose `forward` is `return x + self.h(x)`; `self.h = nn.Sequential(nn.Conv2d(maps, maps, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(maps), nn.ReLU(), ...)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "cyclegan-block", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_block(maps: int) -> nn.Module:
    """A module (b, maps, h, w) -> the same shape: x + h(x)."""

    # YOUR CODE HERE
    raise NotImplementedError("cyclegan/block is yours to write")


# %% nbgrader={"grade": true, "grade_id": "cyclegan-block-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
make_block = check("cyclegan/block", make_block)

# %%
block = make_block(256)
print(
    f"one block of the paper's generator: {sum(p.numel() for p in block.parameters()):,} parameters, nine of them:",
    end=" ",
)
print(f"{9 * sum(p.numel() for p in block.parameters()):,} of 11,378,179")
del block

# %% [markdown]
# ## Translate before you train
#
# The course has a trained pair: two translators of the size that this lesson has on a CPU, trained as it trains there, for about two minutes, on other people than ours (0.26 MB, in half precision). Your own training follows below. Here they are measured by your `cycle_loss`, beside two pairs from the beginning: doing nothing, and recolouring. **Predict** which of the three has the smallest cycle loss.

# %% tags=["kept-picture"]
# Its G makes photos of nights and its F nights of photos: our letters the other way round.
kept = load_pretrained("cyclegan")
kept_day, kept_night = (place(kept.nets[part], device).eval() for part in ("G", "F"))
many_x, many_y = (images_of(part) for part in domains.train)
pairs = {
    "doing nothing": (nn.Identity(), nn.Identity()),
    "recoloured": (lambda x: recolour(x, many_y), lambda y: recolour(y, many_x)),
    "the course's weights": (
        lambda x: translate(kept_night, x).cpu(),
        lambda y: translate(kept_day, y).cpu(),
    ),
}
for name, (there, back) in pairs.items():
    with torch.no_grad():
        cycle = cycle_loss(there, back, x_test, y_test).item()
    print(f"{name:>21}: cycle loss {cycle:.3f}, night into day {psnr(back(y_test), x_true).mean():.1f} dB")
day = translate(kept_day, y_test[:8]).cpu()
show(
    torch.cat([y_test[:8], day, x_true[:8], translate(kept_night, day).cpu()]),
    alt="Four rows of eight faces: by night; translated into day, with a trace of the lamp on the right; the true days; and the translations turned into nights again, as dark as the first row",
    columns=8,
    title="night, its translation, the truth, and back",
)
torch.manual_seed(1)  # to make the networks took random numbers; what follows shall not depend on that
weights = sum(p.numel() for net in kept.nets.values() for p in net.parameters())
print(f"{weights:,} weights, {kept.record['processor_seconds']} processor seconds of training")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows of eight faces: by night; translated into day, with a trace of the lamp on the right; the true days; and the translations turned into nights again, as dark as the first row](pictures/05_cyclegan/e33e0fec-1-fa75ffb0.webp)
#
# </details>

# %% [markdown]
# By night or by day, everybody keeps hat, hair and face: that is what your own translators are to learn. And the best of the three has the *largest* cycle loss (0.074), doing nothing has none. The cycle is no teacher: it only holds the translators back from changing more than they can undo. What drives them on are the judges.
#
# ## The loop by hand
#
# In each move both translators learn, then both judges. Compare it with lesson 02's: it is the same dance. The judges are shown the fakes from before the translators' move. (The library keeps those that the translators made in their own turn; here, with your `generators_loss`, they are made a second time.)

# %%
def make_nets(seed: int, halvings: int = 1) -> CycleGAN:
    """Small networks for 32x32 (see below); the judges' patches are 16x16 with one halving, 34x34 with two."""
    torch.manual_seed(seed)
    return CycleGAN(
        lambda: place(make_small_generator(3, SETTINGS.maps, SETTINGS.blocks), device),
        lambda: place(make_discriminator(3, 32, halvings, norm=one_group), device),
    )


game = Game(identity=0.0, generator_rate=2e-3, discriminator_rate=1e-3)
batches = UnpairedBatches(domains.train, SETTINGS.batch, seed=1, device=device)


def moves_by_hand(nets: CycleGAN, count: int) -> None:
    G, F, D_X, D_Y = nets.G, nets.F, nets.D_X, nets.D_Y
    adam_G = adam(nn.ModuleList([G, F]), game.generator_rate)
    adam_D = adam(nn.ModuleList([D_X, D_Y]), game.discriminator_rate)
    pool_x, pool_y = (
        Pool(game.pool),
        Pool(game.pool),
    )  # not full within 3 moves of 16; from the fourth on they exchange, as you wrote it
    for k in range(count):
        x, y = batches.batch(k)["image"], batches.batch(k)["other"]
        with torch.no_grad():
            fake_x, fake_y = pool_x(F(y)), pool_y(G(x))
        loss_G = sum(generators_loss(G, F, D_X, D_Y, x, y, game.cycle).values())
        adam_G.zero_grad()
        loss_G.backward()
        adam_G.step()
        loss_D = sum(discriminator_loss(D_X, x, fake_x).values())
        loss_D = loss_D + sum(discriminator_loss(D_Y, y, fake_y).values())
        adam_D.zero_grad()
        loss_D.backward()
        adam_D.step()


by_hand, by_train = make_nets(seed=3), make_nets(seed=3)
moves_by_hand(by_hand, 3)
for step in train(cyclegan_players(by_train, game), batches.starting_at(0), 3):
    pass
a, b = (translate(nets.F, y_test[:8].to(device)) for nets in (by_hand, by_train))
print(f"largest difference of a pixel between the two below a hundredth: {(a - b).abs().max().item() < 0.01}")
print(
    f"it began as the identity and has moved by {(a.cpu() - y_test[:8]).abs().mean().item():.3f} on average"
)

# %% [markdown]
# ## Night and day
#
# The paper trains for 200 epochs on pictures of 256x256. We have minutes, so the networks are small and differ in three things that all save time: the translator works on 2x2 pixels at once, it starts as the **identity** and learns what to change, and one norm goes over all its maps (in a picture of 32x32 the average of a map *is* the background's colour, and instance norm would wash it out).
# The judges look at patches of 16x16. The rest is the paper's: λ = 10, the pool of 50, Adam with momentum 0.5, a learning rate that is constant for the first half and then falls linearly to zero (`linear_decay`). As in the lessons before we look at an average of the weights (EMA).
#
# What we leave out is the paper's **identity loss**, |G(y) - y| + |F(x) - x| (section 5.2): what is a night already should stay as it is. It helps translators that would otherwise shift all colours for no reason. Ours start as the identity; the loss would cost a third of the time. (`Game(identity=0.5)` brings it back.)
#
# This takes about two minutes (113 processor seconds). **How to read the curves.** `fool x` and `fool y` are 0.25 where a judge is undecided (it says ½), and `real` and `fake` are then 0.125 each; here the judges stay ahead, with `real` and `fake` well below that and `fool` above. `cycle` is near zero in the very first moves only (who does nothing comes back unharmed). A point of the curve is the mean of 14 moves,
# so you see it begin at its peak, above 2, and fall slowly. Pictures: nights above what F makes of them, days above what G makes of them.

# %% tags=["kept-picture"]
nets = make_nets(seed=1)
ema = EMA(nets, game.ema)
looked_at = [y_test[:4], x_test[:4]]


def look(averaged: nn.Module) -> Images:
    y, x = looked_at
    return torch.cat([y, translate(averaged.F, y).cpu(), x, translate(averaged.G, x).cpu()])


run = train(
    cyclegan_players(nets, game),
    batches.starting_at(0),
    SETTINGS.steps,
    schedule=linear_decay,
    precision=precision,
)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: look(ema.net),
    columns=4,
    alt="Loss curves of CycleGAN, and four rows: nights, their translations, days, their translations",
):
    ema.update()  # your own code goes here, once a move
print(f"{time.process_time() - began:.0f} processor seconds for {step.index + 1:,} moves")
G, F = ema.net.G, ema.net.F

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 2,000 steps (G: fool x 0.3675, G: fool y 0.5953, G: cycle 0.701, D: real x 0.08829, D: fake x 0.09036, D: real y 0.05296, D: fake y 0.07297); Loss curves of CycleGAN, and four rows: nights, their translations, days, their translations, after 2,000 steps](pictures/05_cyclegan/eff77e02-1-8d76c11b.webp)
#
# </details>

# %% [markdown]
# Fresh faces that nobody has learnt from, and the truth beside them. **Predict** what is hardest to get right.

# %% tags=["kept-picture"]
days = translate(F, y_test).cpu()
table["CycleGAN"] = score(days, x_true, nights)
show(
    torch.cat([y_test[:8], days[:8], x_true[:8], translate(G, days[:8]).cpu()]),
    alt="Four rows of eight faces: by night, translated into day, the true day, and translated back into night",
    columns=8,
    title="night, F(night), the truth, and back: G(F(night))",
)
show(
    torch.cat([x_test[:7], translate(G, x_test[:7]).cpu(), y_true[:7]]),
    alt="Three rows of seven faces: by day, translated into night, and the true night",
    columns=7,
    title="day, G(day), the truth",
)
for name, found in table.items():
    tell(name, found)
night_psnr = psnr(translate(G, x_test).cpu(), y_true).mean().item()
print(
    f"the other way, day into night: PSNR {night_psnr:.1f} dB, doing nothing {psnr(x_test, y_true).mean().item():.1f}"
)
print(
    f"identity loss of the two, never trained: {identity_loss(G, F, x_test.to(device), y_test.to(device)).item():.3f}"
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows of eight faces: by night, translated into day, the true day, and translated back into night](pictures/05_cyclegan/cd200fb5-1-5be5e10f.webp)
#
# ![Three rows of seven faces: by day, translated into night, and the true night](pictures/05_cyclegan/cd200fb5-2-9495c49f.webp)
#
# </details>

# %% [markdown]
# ## Explore: somebody, there and back
#
# Choose a person, and how much noise is put into the translation before the way back. (Keep the noise in mind: we will need it.)

# %%
def there_and_back(noise: float, person: int) -> Images:
    x = x_test[person : person + 1].to(device)
    y = translate(G, x)
    torch.manual_seed(0)
    back = translate(F, (y + noise * torch.randn_like(y)).clamp(-1, 1))
    return torch.cat([x, y, back])


explore(
    there_and_back,
    noise=(0.0, 0.35, 0.0),
    person=(0, len(x_test) - 1, 3),
    alt="A face by day, its translation into night, and the way back from that translation with noise on it",
)

# %% [markdown]
# ## If there were pairs: pix2pix
#
# How good could a translator be? Its upper bound here is one that has seen **pairs**: as many people, each by night *and* by day. That is pix2pix ([arXiv:1611.07004](https://arxiv.org/abs/1611.07004)), the older sister of CycleGAN by the same group, and it has three ideas of its own:
#
# * The generator is a **U-Net**: down to a tiny picture and up again, with **skips** that hand each level of the way down to the same level of the way up. So outlines need not squeeze through the bottom.
# * An **L1 term**, λ |G(x) - y| with λ = 100: now there *is* a right answer (eq. 4).
# * L1 alone blurs where it is unsure, so there is a judge as well: a PatchGAN that is **conditional**: it sees the input beside the output, D(x, y), and so judges not "is this a day?" but "is this the day of *that* night?"
#
# It takes half a minute (28 processor seconds).

# %% tags=["kept-picture"]
pair_batches = PairedBatches(
    face_pairs(SETTINGS.faces, seed=5, styles=("night", "photo")), SETTINGS.batch, seed=1, device=device
)
torch.manual_seed(1)
pair_G = place(make_unet(3, SETTINGS.maps, downs=4, dropout=0.0), device)
pair_D = place(make_pair_discriminator(3, 32, downs=1), device)
pair_ema = EMA(pair_G, 0.99)
pair_game = PairGame(generator_rate=1e-3, discriminator_rate=2e-4)
run = train(
    pix2pix_players(pair_G, pair_D, pair_game),
    pair_batches,
    SETTINGS.pair_steps,
    schedule=linear_decay,
    precision=precision,
)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: translate(pair_ema.net, y_test[:6]).cpu(),
    columns=3,
    label="pix2pix",
    alt="Loss curves of pix2pix, and six translations of nights",
):
    pair_ema.update()
print(f"{time.process_time() - began:.0f} processor seconds for {step.index + 1:,} moves")
paired = translate(pair_ema.net, y_test).cpu()
table["pix2pix, with pairs"] = score(paired, x_true, nights)
show(
    torch.cat([days[:7], paired[:7], x_true[:7]]),
    alt="Three rows of seven faces: CycleGAN's day, pix2pix's day, and the true day",
    columns=7,
    title="CycleGAN, pix2pix, truth",
)
tell("pix2pix, with pairs", table["pix2pix, with pairs"])


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 800 steps (D: real 0.3101, D: fake 0.268, G: fool 0.9311, G: L1 6.153); Loss curves of pix2pix, and six translations of nights, after 800 steps](pictures/05_cyclegan/98da74e5-1-92cd21d2.webp)
#
# ![Three rows of seven faces: CycleGAN's day, pix2pix's day, and the true day](pictures/05_cyclegan/98da74e5-2-c01891fa.webp)
#
# </details>

# %% [markdown]
# ## Break it on purpose
#
# ### One switch: no cycle loss
#
# The same game with λ = 0, for 300 moves, beside 300 moves with the cycle; both together take about 35 seconds. **Predict:** who fools the judges better, and who remains the same person?

# %% tags=["kept-picture"]
def short_game(cycle: float) -> tuple[CycleGAN, float]:
    nets = make_nets(seed=1)
    ema = EMA(nets, game.ema)
    players = cyclegan_players(nets, replace(game, cycle=cycle))
    run = train(
        players, batches.starting_at(0), SETTINGS.broken_steps, schedule=linear_decay, precision=precision
    )
    fooled = []
    for step in run:
        ema.update()
        fooled.append(step.losses["G"]["fool x"])
    return ema.net, torch.stack(fooled[-50:]).mean().item()


short = {}
for cycle in (10.0, 0.0):
    some, fooled = short_game(cycle)
    short[cycle] = translate(some.F, y_test).cpu()
    back = translate(some.G, short[cycle]).cpu()
    tell(f"lambda = {cycle:g}", score(short[cycle], x_true, nights))
    print(f"{'':>26}  fool x {fooled:.2f}; there and back: PSNR {psnr(back, y_test).mean():.1f} dB")
show(
    torch.cat([short[10.0][:7], short[0.0][:7], x_true[:7]]),
    alt="Three rows of seven faces: translations with the cycle loss; without it; and the truth",
    columns=7,
    title="with the cycle, without it, truth",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Three rows of seven faces: translations with the cycle loss; without it; and the truth](pictures/05_cyclegan/f4929484-1-e70a0f1a.webp)
#
# </details>

# %% [markdown]
# Without the cycle the judges are fooled a little *better* (`fool x` 0.37 against 0.43): one demand less. But nobody finds the way back any more, 15.9 dB instead of 37.3, and in the run kept here skins and hair change colour: 75 % of the attributes are right instead of 90 %. It could be worse: our translators start as the identity
# and the judges see where edges are, so the shapes survive. The paper's translators start from nothing; there, without the cycle, all photos may become the same picture (section 5.1).
#
# ### Two worlds that cannot say the same
#
# Until now nothing was lost on the way: a night face still has all its colours, darkened. Now take two domains of which one **cannot say** what the other knows: photo and *pencil sketch*. A sketch has no hue; the background's colour is gone for good. But the cycle loss demands that F(G(x)) have the *right* background again. **Predict:** what will G do?
#
# Here λ is 3 and the judges' patches are 34x34, larger than the picture: D_Y can see whole sketches. It takes a minute and a half (93 processor seconds).

# %% tags=["kept-picture"]
sketches = face_domains(SETTINGS.faces, test=SETTINGS.held_out, seed=5, styles=("photo", "sketch"))
sketch_batches = UnpairedBatches(sketches.train, SETTINGS.batch, seed=1, device=device)
photo, drawn = images_of(sketches.test[0]), images_of(sketches.test[1])
photo_true, drawn_true = images_of(sketches.truth[1]), images_of(sketches.truth[0])
sketch_nets = make_nets(seed=2, halvings=2)
sketch_ema = EMA(sketch_nets, game.ema)
looked_at = [drawn[:4], photo[:4]]
run = train(
    cyclegan_players(sketch_nets, replace(game, cycle=3.0)),
    sketch_batches,
    SETTINGS.sketch_steps,
    schedule=linear_decay,
    precision=precision,
)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: look(sketch_ema.net),
    columns=4,
    label="photo and sketch",
    alt="Loss curves, and four rows: sketches, their translations, photos, their translations",
):
    sketch_ema.update()
print(f"{time.process_time() - began:.0f} processor seconds for {step.index + 1:,} moves")
to_sketch, to_photo = sketch_ema.net.G, sketch_ema.net.F

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 1,500 steps (G: fool x 0.6421, G: fool y 0.954, G: cycle 0.8754, D: real x 0.0417, D: fake x 0.03791, D: real y 0.003486, D: fake y 0.004073); Loss curves, and four rows: sketches, their translations, photos, their translations, after 1,500 steps](pictures/05_cyclegan/523ca6d8-1-d6fc1f31.webp)
#
# </details>

# %% tags=["kept-picture"]
ours = translate(to_sketch, photo).cpu()
back, honest = translate(to_photo, ours).cpu(), translate(to_photo, drawn_true).cpu()
show(
    torch.cat([photo[:8], ours[:8], back[:8], drawn_true[:8], honest[:8]]),
    alt="Five rows: photos; G's sketches, with faint coloured dots on the paper; F's way back from them, with the right "
    "backgrounds; true sketches of the same people; and what F makes of those, all with one background",
    columns=8,
    title="photo, G's sketch, back from it, the true sketch, F of the true sketch",
)
people = sketches.test[0]


def background_right(images: Images) -> float:
    return attribute_accuracy(images, {"background": people["background"]}, extractor)["background"].value


grey = ours.mean(1, keepdim=True).expand(-1, 3, -1, -1)
print(f"chance of naming the background's colour: {1 / 6:.2f}")
print(f"F of the true sketch:                     {background_right(honest):.2f}")
print(f"back from G's own sketch:                 {background_right(back):.2f}")
print(f"back from G's sketch without its colour:  {background_right(translate(to_photo, grey).cpu()):.2f}")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Five rows: photos; G's sketches, with faint coloured dots on the paper; F's way back from them, with the right backgrounds; true sketches of the same people; and what F makes of those, all with one background](pictures/05_cyclegan/8a10eefe-1-16339a85.webp)
#
# </details>

# %% [markdown]
# G draws a sketch and **writes the background's colour into it**, in faint tints and dots on the paper; F reads them and is praised for its memory. The right background comes back every time, though a sketch cannot hold it. The translation is a fraud: F cannot do with an honest sketch what it does with G's. Does the judge not see it? Here it does: at the end `fool y` is 0.95, where 1 is a D_Y that says "fake" to everything, and its `real` and `fake` are below 0.005. But G answers to the cycle as well, and keeps writing. This was found in CycleGAN itself, which hid aerial photographs in street maps ([arXiv:1712.02950](https://arxiv.org/abs/1712.02950)); it is called **steganography**, hidden writing.
#
# What is written faintly is easily lost. So put a little noise on the translation before the way back, and see how much of it arrives: the **gain**, the squared change of F's picture over the squared noise. Gain 1 passes the noise on as it is; a reader of faint signs must turn the volume up. **Predict** which of the three readers does so most: of G's nights, of G's sketches, of true sketches?

# %% tags=["kept-picture"]
def gain(F: nn.Module, y: Images, noise: float) -> float:
    """How much larger a little noise on y becomes on its way through F, in squares."""
    noisy = y + noise * torch.randn_like(y)
    change = translate(F, noisy.clamp(-1, 1)) - translate(F, y)
    return (change.square().mean() / noise**2).item()


torch.manual_seed(0)
worlds = {
    "back from G's night": (F, translate(G, x_test).cpu(), x_test),
    "back from G's sketch": (to_photo, ours, photo),
}
levels = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
curves = {name: [] for name in worlds}
for name, (again, y, x) in worlds.items():
    for noise in levels:
        returned = translate(again, (y + noise * torch.randn_like(y)).clamp(-1, 1)).cpu()
        curves[name].append((noise, psnr(returned, x).mean().item()))
        if noise in (0.0, 0.1, 0.3) and x is photo:
            print(f"noise {noise:g} on G's sketch: background right {background_right(returned):.2f}")
plot_curves(
    curves,
    alt="Two falling curves over the noise, how near the way back comes to the photo: from a night it begins at 31 dB, from a sketch at 22, and both end near 13",
    xlabel="spread of the noise on the translation",
    ylabel="PSNR of the way back, dB",
)
for name, values in curves.items():
    print(f"{name:>20}: " + "  ".join(f"{noise:g}: {value:.1f} dB" for noise, value in values))
for name, (again, y) in {
    "G's night": (F, translate(G, x_test).cpu()),
    "a true night": (F, y_true),
    "G's sketch": (to_photo, ours),
    "a true sketch": (to_photo, drawn_true),
}.items():
    print(f"gain of noise 0.02 on {name:>13}: {gain(again, y, 0.02):.1f}")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Two falling curves over the noise, how near the way back comes to the photo: from a night it begins at 31 dB, from a sketch at 22, and both end near 13](pictures/05_cyclegan/670f5f4f-1-8ae8ba31.webp)
#
# </details>

# %% [markdown]
# * **The gain.** F makes the square of a little noise about twice as large on a night, and about ten times on a sketch. It listens for faint signs, and hears them in noise too; also in an honest sketch, for it cannot know that nothing is written there.
# * **The curve.** Noise of 0.05, which an eye hardly sees on the paper, costs the way back from a sketch 2.7 dB. (The night loses even more decibels, for it had a much better picture to lose: night is *dark*, and who brightens it brightens the noise.)
# * **The message** itself is written all over the paper and so stands up to noise of 0.1 (98 % of the backgrounds are still right); at 0.3 half of it is lost. Taking the colour away, which no honest sketch has, erases it at once.
#
# ### Mode collapse of one side
#
# Look again at what F makes of *honest* sketches. A true sketch does not say which background it had; all six are equally plausible, and an honest F would have to throw dice. But F has no dice: one sketch, one answer. The judge asks only that the answer be plausible. How many backgrounds are left? Count them by the **perplexity**, exp of the entropy: 6 if all
# six colours are equally frequent, 1 if there is only one. And on the other side?

# %%
def perplexity(images: Images, name: str) -> float:
    """How many values of an attribute are in use, as the classifier reads them."""
    share = read_attributes(images, extractor)[name].bincount().double() / len(images)
    return math.exp(-torch.xlogy(share, share).sum().item())


print(f"backgrounds in use: real photos {perplexity(photo, 'background'):.1f}, ", end="")
print(
    f"F of true sketches {perplexity(honest, 'background'):.1f}, back from G's own {perplexity(back, 'background'):.1f}"
)
variety = [images.std(0).mean().item() for images in (drawn_true, ours)]
print(f"spread of a pixel over people, in sketches: true ones {variety[0]:.2f}, G's {variety[1]:.2f}")
shown = ("hair_style", "mouth", "glasses", "hat")  # what a sketch can say
who = sketches.test[1]
tell("sketches, untranslated", score(drawn, photo_true, who, shown))
tell("sketches into photos", score(translate(to_photo, drawn).cpu(), photo_true, who, shown))
there = [psnr(images, drawn_true).mean().item() for images in (photo, ours)]
print(f"photos into sketches: PSNR {there[1]:.1f} dB, untranslated {there[0]:.1f} dB")

# %% [markdown]
# On the one side nothing is missing: G's sketches differ from person to person about as much as true ones do. On the other side one background is left of six. D_X does not help: a photo with *that* background is a plausible photo, and D_X judges one photo at a time. This is the mode collapse of lesson 02 in a new dress; the cure would be dice for F
# and a judge that sees whole batches.
#
# And how good is this pair as a translator? Photos into sketches gain 7.6 dB over doing nothing. Sketches into photos gain 4 dB, but of what a sketch can say (hair style, mouth, glasses, hat) only 63 % arrives: F was praised for reading G's secret hand, and honest sketches are not written in it.
#
# ## Measure it
#
# Night into day, for 500 held-out people, everything side by side. A second table comes from lesson 00: FID asks only whether the *heap* of translations looks like a heap of photos, not whether each is the right one. **Predict** a translator with a good FID and a bad PSNR.

# %%
columns = ["PSNR, dB", "SSIM", "attributes", "worst"]
lines = ["| night into day | " + " | ".join(columns) + " |", "|---" + "|---:" * len(columns) + "|"]
for name, found in table.items():
    (decibel, structure, average), worst = list(found.values())[:3], list(found)[3]
    lines.append(
        f"| {name} | {decibel:.1f} | {structure:.2f} | {average:.1%} | {found[worst]:.1%} {worst[5:]} |"
    )
display(Markdown("\n".join(lines)))
samples = {"doing nothing": y_test, "recoloured": recoloured, "CycleGAN": days, "pix2pix, with pairs": paired}
scores = {name: evaluate(images, reference="faces", n=len(images)) for name, images in samples.items()}
display(Markdown(score_table(scores)))
for name, net in {"CycleGAN's translator": G, "pix2pix's U-Net": pair_G}.items():
    print(f"{name}: {sum(p.numel() for p in net.parameters()):,} parameters")

# %% [markdown]
# Read the rows against each other. In the run kept here, 500 people, one training each:
#
# * **CycleGAN** has never seen a pair and comes to 23.0 dB, 12.9 dB above doing nothing and 8.0 above recolouring; 98 % of the attributes are right, the worst (the mouth, a few pixels) 95 %. (Doing nothing has even more: the classifier sees through the night. A translation can only lose.) What is still wrong: a shimmer of the lamp on the right, and a fine
#   chequered pattern from working on 2x2 pixels at once.
# * **pix2pix** has seen pairs and comes to 27.6 dB in a quarter of the time, 4.6 dB more. That is what pairs are worth here, though not pairs alone: its U-Net also has 25 times the weights. (The mouth is right in 87 %, CycleGAN's in 95 %.)
# * **FID** says the opposite: CycleGAN 49, pix2pix 77. L1 wants the average where it is unsure, which is near the truth pixel by pixel and a little too smooth for a photo; CycleGAN's only teacher is the judge, who hates smoothness. And a translator that gave everybody the true day of *somebody else* would have the FID of "real v real". So ask what a
#   number is of: FID of the heap, PSNR and attributes of the translation. Only where the truth is known can you have the latter.
#
# ## Your own two heaps
#
# Name an archive of the paper's authors (`"horse2zebra"`, `"apple2orange"`, `"summer2winter_yosemite"`, `"monet2photo"`, `"maps"` ...), and it is fetched if there is a network; without one, faces come instead, and a line says so. Or give `read_domains` any folder that holds `trainA`, `trainB`, `testA` and `testB`: pictures of all sizes, grey, transparent or held upright by the camera are brought
# into one form. At 128x128 with the paper's networks (`make_generator()`, `make_discriminator()`, `Game()`) that is an evening on a GPU.

# %%
ARCHIVE = ""  # such as "horse2zebra"
if ARCHIVE:
    mine = named_domains(ARCHIVE, size=143)
    mine_batches = UnpairedBatches(mine.train, 8, seed=1, crop=128)  # random crops, half of them mirrored
    show(torch.cat([*next(mine_batches).values()]), alt="Images of both domains", columns=8)

# %% [markdown]
# ## What to take away
#
# * Without pairs a judge can say whether a translation looks right, but not whether it is the right one. The cycle ties it to its original.
# * A PatchGAN judges patches; how large they are can be measured by gradient. A residual translator learns only what to change.
# * λ, the pool of old fakes, least squares and a falling learning rate are what keeps two games at once from falling apart.
# * The cycle rewards *whatever* brings the original back, hidden writing too. Give F an honest image of the other domain (18 % of the backgrounds right instead of 100 %), or take away what no honest image has, and it is unmasked.
# * A translator without dice gives one answer where many are right.
# * Pairs, if you have them, are worth more than any trick.
#
# **To think over.** (1) G turns every face upside down and F turns it back. Which term of eq. (3) objects? (2) Why does a pool of old fakes cost almost no time, but some memory? (3) F is given dice, a code z as in lesson 02. Which term of the loss would then be in its way? (4) You measure the cycle loss of two CycleGANs: 0.02 and 0.05. Which one translates better?
#
# **What can go wrong in the world.** A translator shows what is *typical* of the other heap, not what is true: a scan "translated" from one kind of machine to another gained and lost tumours in proportion to how often they were in the heap ([arXiv:1805.08841](https://arxiv.org/abs/1805.08841)). The picture looks right either way. Where somebody decides by such a picture, only known truth, as we had it here, can say whether to
# trust it; and what was rare in the heap (a skin, a disease, a face) is what is painted over first.
#
# **References.** Zhu et al. 2017 (CycleGAN), arXiv:1703.10593 · Isola et al. 2017 (pix2pix), arXiv:1611.07004 · Mao et al. 2017 (least squares), arXiv:1611.04076 · Shrivastava et al. 2017 (the pool), arXiv:1612.07828 · Ulyanov, Vedaldi and Lempitsky 2016 (instance norm), arXiv:1607.08022 · Johnson, Alahi and Fei-Fei 2016 (the residual translator), arXiv:1603.08155 ·
# Chu, Zhmoginov and Sandler 2017 (the master of steganography), arXiv:1712.02950 · Cohen, Luck and Honari 2018 (hallucinated features), arXiv:1805.08841 · Almahairi et al. 2018 (translators with dice), arXiv:1802.10151.
