# %% [markdown]
# # 02 · The generative adversarial network
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/02_gan.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/02_gan.ipynb)
#
# | | |
# |---|---|
# | **You will build** | a forger and a judge that train each other: first in a toy world where the truth is known, then on digits; four different games; and three ways in which they go wrong, each with a number |
# | **You should know** | lesson 01, or: what a latent code z is, and what a training loop does |
# | **Time** | about 90 minutes of yours. The computer needs about 4 minutes on 2 CPU cores (measured: 170 to 210 processor seconds), 3 to 4 on a T4-class GPU with the larger sizes (estimated) |
# | **Paper** | Goodfellow et al., *Generative Adversarial Networks*, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661); equation numbers below are theirs unless another paper is named |
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
from collections.abc import Iterator
from dataclasses import dataclass

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.data.digits import digits
from course_lib.device import fast_precision, pick_device, pick_tier, place
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.neighbours import nearest_images
from course_lib.models.gan import (
    Game,
    adam,
    draw_codes,
    gan_players,
    gradient_norm,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    make_discriminator,
    make_generator,
    sample_gan,
    saturating_generator_loss,
    smoothed_discriminator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from course_lib.models.toy import Ring, bilinear_orbit, make_toy_discriminator, make_toy_generator
from course_lib.models.vae import VAE, sample_vae, vae_player
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show, show_figure
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, cpu_seconds, train, warm_down, warm_up_down
from course_lib.types import Batch, Codes, Images, Losses


@dataclass(frozen=True)
class Settings:
    toy_batch: int = 256  # points a move, in the toy world
    toy_steps: int = 1_500  # Algorithm 1 in the toy world, and each of the other games
    judge_steps: int = 400  # D alone, against fakes that stand still
    collapse_steps: int = 300
    d: int = 32  # numbers in a code of a digit
    batch: int = 64  # digits a move
    steps: int = 9_000  # rounds of the game on digits
    widths: tuple[int, ...] = (256, 512)  # of G's hidden layers; D has them in the opposite order
    scored: int = 5_000  # samples behind each number


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(toy_steps=12, judge_steps=8, collapse_steps=8, steps=6, scored=200),
    "cpu": Settings(),
    "gpu": Settings(steps=30_000, widths=(512, 1024)),
}[TIER]
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## A world where the truth is known
#
# Nobody knows the true distribution of handwritten digits, so nobody can say how far a generator is from it. Let us first work in a
# world of two "pixels" where we know everything: eight small Gaussians on a circle. A point is an "image"; each Gaussian is a
# **mode**, a hill of the density, as each of the ten digits is. Whatever is drawn here can be held against the truth, by three numbers:
#
# * **modes**: how many of the eight hills get at least a tenth of their fair share;
# * **good**: the share of points that lie on a hill at all (within three standard deviations of its centre; 98.9 % of the real ones do);
# * **KL**: the distance, in nats, between the shares of the hills and fair shares (each point counts for the hill nearest to it, on it or not): 0 is fair, log 8 = 2.08 is "everything on one hill".
#
# These networks are so small that they are quickest on the processor, so the toy world stays there even if you have a GPU.

# %% tags=["kept-picture"]
ring = Ring()


def truth(points: Tensor) -> str:
    return (
        f"modes {ring.modes_hit(points)} of 8, good {ring.share_good(points):6.1%}, "
        f"KL {ring.kl_to_truth(points):.2f} nats"
    )


def show_points(panels: dict[str, Tensor], alt: str) -> None:
    """One square a panel: the real points in grey, the panel's own in orange."""
    fig, axes = plt.subplots(
        1, len(panels), figsize=(2.1 * len(panels), 2.35), layout="constrained", squeeze=False
    )
    for ax, (title, points) in zip(axes[0], panels.items(), strict=True):
        ax.scatter(*real_points.T, s=1, c="#bbbbbb")
        ax.scatter(*points[:1000].T, s=2, c="#d55e00", alpha=0.6)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
        ax.set_title(title, fontsize=9)
    show_figure(fig, alt=alt)


real_points = ring.sample(1000, torch.Generator().manual_seed(0))
noise = torch.randn(1000, 2)
print("real points :", truth(real_points))
print("plain noise :", truth(noise))
show_points(
    {"real": real_points, "noise z ~ N(0, I)": noise},
    alt="Left: eight small clouds of points on a circle. Right: one wide round cloud of noise around the middle",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Left: eight small clouds of points on a circle. Right: one wide round cloud of noise around the middle](pictures/02_gan/aabd8a6d-1-c17e02b2.webp)
#
# </details>

# %% [markdown]
# ## The idea in one picture

# %%
show_diagram(
    "02_gan",
    alt="A code z goes into the generator G, which makes a fake image. The discriminator D gets real images and fakes "
    "and says one number, the logit, large for 'this image is real'. Two loops: in D's turn D learns to tell them "
    "apart; in G's turn the slope comes back through D to the pixels of the fake, and G learns to be taken for real.",
)

# %% [markdown]
# * The **generator** G turns a code z ~ N(0, I) into a fake image. It never sees a real one.
# * The **discriminator** D looks at an image and says how sure it is that it is real. It says a **logit**, any number; its sigmoid is the
#   probability D(x) of the paper. 0 means "undecided", +3 means 95 % real, -3 means 95 % fake.
#
# They train each other: D learns from examples of both kinds, and G learns from D. Why so roundabout?
#
# ## The naive try
#
# We have a network, noise and real points. Why not take a random z, a random real x, and teach G to turn the one into the other with
# the squared error? **Predict** where the fakes will lie.

# %% tags=["kept-picture"]
torch.manual_seed(0)
naive = make_toy_generator()
naive_adam = torch.optim.Adam(naive.parameters(), lr=1e-3)
for _ in range(SETTINGS.judge_steps):
    z, x = torch.randn(SETTINGS.toy_batch, 2), ring.sample(SETTINGS.toy_batch)
    loss = F.mse_loss(naive(z), x)
    naive_adam.zero_grad()
    loss.backward()
    naive_adam.step()
fakes = naive(torch.randn(1000, 2)).detach()
print("naive generator:", truth(fakes))
show_points(
    {"squared error": fakes},
    alt="All fakes lie in one small blot in the middle of the circle, where no real point is",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![All fakes lie in one small blot in the middle of the circle, where no real point is](pictures/02_gan/b2ac1d41-1-ed13323a.webp)
#
# </details>

# %% [markdown]
# In the middle of the circle, where there is nothing. Nobody told G *which* x belongs to this z, so the squared error is smallest at the
# **average** of all x; the average of eight hills is the valley between them, and the average of many digits is a grey blot (that was the blur of
# lesson 01). We do not want G to hit *the* right answer. We want it to give *some* answer that cannot be told from a real one. So
# let something learn to tell them apart.
#
# ## The game
#
# D wants to give real images a high probability and fakes a low one; G wants the opposite (eq. 1):
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x}\big[\log D(x)\big] + \mathbb{E}_{z}\big[\log (1 - D(G(z)))\big] \tag{1}$$
#
# ### Exercise 1 · fakes
#
# *difficulty 1 of 5 · importance 4 of 5 · 3 minutes*
#
# Draw n codes of d numbers from N(0, I), fresh ones at each call, and let G turn them into fakes. The gradient must be able to find its way back to G.
#
# <details><summary>Hint</summary>
#
# `torch.randn(n, d)` gives the codes. (`torch.rand` is something else: uniform numbers between 0 and 1.)
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-fakes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw_fakes(G: nn.Module, n: int, d: int) -> Tensor:
    """n fakes G(z), each from a code z ~ N(0, I) of its own: G maps (n, d) -> (n, ...)."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/fakes is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-fakes-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
draw_fakes = check("gan/fakes", draw_fakes)


# %% [markdown]
# ### Exercise 2 · D's loss
#
# *difficulty 2 of 5 · importance 5 of 5 · 10 minutes*
#
# D maximises V, so it minimises -V. Return its two terms by name, in nats, each **averaged** over its batch:
# `real`: -log D(x), and `fake`: -log(1 - D(G(z))). You get the **logits** of both batches. Beware: D(x) = sigmoid(logit) is exactly 0 for a logit of
# -200, and log 0 is minus infinity. So go from the logit t to the logarithm in one move:
#
# $$-\log \sigma(t) = \log(1 + e^{-t}) = \mathrm{softplus}(-t), \qquad -\log(1 - \sigma(t)) = \mathrm{softplus}(t).$$
#
# <details><summary>Hint</summary>
#
# `F.softplus(t)` is finite for every t. Or `F.binary_cross_entropy_with_logits(t, label)` with the label 1 for real images and 0 for fakes: it has the sigmoid inside.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-discriminator-loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_loss(real: Float[Tensor, " b"], fake: Float[Tensor, " b"]) -> Losses:
    """{"real": ..., "fake": ...}: the two terms of -V from D's logits, each a scalar in nats."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/discriminator_loss is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-discriminator-loss-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
discriminator_loss = check("gan/discriminator_loss", discriminator_loss)

# %%
for t in (0.0, 3.0, 200.0):
    logits = torch.full((4,), t)
    terms = discriminator_loss(logits, -logits)
    print(f"D is right with logit {t:5.1f}: loss {sum(terms.values()):.4f} nats", end="   ")
    terms = discriminator_loss(-logits, logits)
    print(f"wrong: {sum(terms.values()):8.4f} nats")
print(f"undecided costs log 4 = {math.log(4):.4f} nats: remember that number")


# %% [markdown]
# ## What would the perfect D say?
#
# Suppose G stands still. Its fakes have some density q(x), real images have p(x). At one place x, V is p log D + q log(1 - D), up to a factor. Which D makes that largest?
#
# ### Exercise 3 · the best discriminator
#
# *difficulty 2 of 5 · importance 4 of 5 · 10 minutes*
#
# Set the derivative of p log D + q log(1 - D) with respect to D to zero, solve for D (eq. 2), and write the answer as a function. p and q are tensors of the same shape,
# never both 0.
#
# <details><summary>Hint</summary>
#
# The derivative is p/D - q/(1 - D). So p (1 - D) = q D.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-optimal", "locked": false, "schema_version": 3, "solution": true, "task": false}
def optimal_discriminator(p: Float[Tensor, "..."], q: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """D*(x), a probability, from the densities of real images and of fakes at x; any shape."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/optimal is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-optimal-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
optimal_discriminator = check("gan/optimal", optimal_discriminator)

# %% [markdown]
# Put this best D back into V. What G then minimises is (eq. 5 and 6)
#
# $$C(G) = \max_D V = -\log 4 + \mathrm{KL}\Big(p \,\Big\|\, \tfrac{p+q}{2}\Big) + \mathrm{KL}\Big(q \,\Big\|\, \tfrac{p+q}{2}\Big) = -\log 4 + 2\,\mathrm{JSD}(p \,\|\, q).$$
#
# **JSD** is the Jensen-Shannon divergence: 0 if and only if p = q, and never more than log 2. So a G that wins against the best D has found the true distribution; D then says 1/2 everywhere and its
# loss is log 4. Do not believe a derivation: compute it, in one dimension, for real ones from N(0, 1) and fakes from N(1.5, 0.7²):

# %%
at = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
p = torch.distributions.Normal(0.0, 1.0).log_prob(at).exp()
q = torch.distributions.Normal(1.5, 0.7).log_prob(at).exp()


def integral(values: Tensor) -> float:
    return torch.trapezoid(values, at).item()


def value(logit: Tensor) -> float:
    return -integral(p * F.softplus(-logit)) - integral(q * F.softplus(logit))  # eq. (1)


best = optimal_discriminator(p, q).logit().clamp(-30, 30)  # beyond 30, float64 says D = 0 or D = 1
middle = (p + q) / 2
two_kls = integral(p * (p / middle).log()) + integral(torch.xlogy(q, q / middle))  # 0 log 0 is 0
print(f"V of the best D                   {value(best):.6f}   eq. (1)")
print(f"-log 4 + KL + KL                  {-math.log(4) + two_kls:.6f}   eq. (5): the same")
print(f"V of a D that is a little bolder  {value(1.2 * best):.6f}   less")
print(f"V of a D that is a little shyer   {value(0.8 * best):.6f}   less")
print(f"V of a D that always says 1/2     {value(0 * best):.6f}   -log 4")

# %% [markdown]
# Does a *network* find it? Let the fakes stand still, as one round cloud q = N(0, 1.3² I), whose density we know, and train D alone. **Predict:** where will the learned D and p/(p+q) differ most?

# %% tags=["kept-picture"]
cloud = torch.distributions.Normal(0.0, 1.3)
torch.manual_seed(2)
judge = make_toy_discriminator()
judge_adam = torch.optim.Adam(judge.parameters(), lr=3e-3)
for _ in range(2 * SETTINGS.judge_steps):
    loss = sum(discriminator_loss(judge(ring.sample(512)), judge(cloud.sample((512, 2)))).values())
    judge_adam.zero_grad()
    loss.backward()
    judge_adam.step()


def known(x: Tensor) -> Tensor:
    """p / (p + q) at points x (n, 2)."""
    return optimal_discriminator(ring.log_density(x).exp(), cloud.log_prob(x).sum(1).exp())


axis = torch.linspace(-3, 3, 121)
plane = torch.cartesian_prod(axis, axis).flip(1)  # rows are y, columns are x
with torch.no_grad():
    maps = {"D, learned": judge(plane).sigmoid(), "p / (p + q), known": known(plane)}
    where = torch.cat([ring.sample(2000), cloud.sample((2000, 2))])
    gap = (judge(where).sigmoid() - known(where)).abs().mean()
fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.3), layout="constrained")
for ax, (title, values) in zip(axes, maps.items(), strict=True):
    image = ax.imshow(
        values.view(121, 121), origin="lower", extent=(-3, 3, -3, 3), cmap="cividis", vmin=0, vmax=1
    )
    ax.set_title(title, fontsize=10)
fig.colorbar(image, ax=axes, shrink=0.85)
show_figure(
    fig,
    alt="Two maps of the plane: bright spots, near 1, at the eight modes, and dark, near 0, between them; sharp discs on the right, softer spots on the left",
)
print(f"average distance between the two, at real points and fakes: {gap:.3f}")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Two maps of the plane: bright spots, near 1, at the eight modes, and dark, near 0, between them; sharp discs on the right, softer spots on the left](pictures/02_gan/31a61bfc-1-6718cc00.webp)
#
# </details>

# %% [markdown]
# The network has found p/(p+q) from samples alone, without ever being told a density. It differs at the rims of the hills, which need many more steps to become sharp.
# Outside this picture, where hardly a real point or a fake ever comes, nobody has corrected it, and it says whatever its lines happen to reach there. Remember that outside: a G that strays
# there gets advice from a judge who has never been there.
#
# ## G's turn
#
# G's part of eq. (1) is to make log(1 - D(G(z))) small. There is a catch, and the paper says so in section 3: at first the fakes are bad, D is sure of itself, and this curve is **flat** just there.
# Use -log D(G(z)) instead. It wants the same thing, and it is steepest where G is losing.

# %% tags=["kept-picture"]
t = torch.linspace(-8, 4, 200)
fig, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
ax.plot(t, -F.softplus(t), label="log(1 - D(G(z))), saturating", color="#d55e00")
ax.plot(t, F.softplus(-t), label="-log D(G(z)), non-saturating", color="#0072b2")
ax.axvspan(-8, -4, color="#eeeeee")
ax.text(-7.8, -3.5, "here G begins:\nD is sure of itself", fontsize=9)
ax.set(xlabel="D's logit of a fake", ylabel="G's loss, nats")
ax.legend(frameon=False, fontsize=9)
show_figure(
    fig,
    alt="Two falling curves over D's logit. Left, where D is sure of itself, the saturating one is flat, the other steep",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Two falling curves over D's logit. Left, where D is sure of itself, the saturating one is flat, the other steep](pictures/02_gan/8dd74436-1-0def5efd.webp)
#
# </details>

# %% [markdown]
# ### Exercise 4 · G's loss
#
# *difficulty 1 of 5 · importance 5 of 5 · 5 minutes*
#
# The non-saturating loss -log D(G(z)), averaged over the batch, from D's logits of the fakes; under the name `fool`.
#
# <details><summary>Hint</summary>
#
# -log σ(t) = softplus(-t). Seen as a cross-entropy: G wants its fakes to get the label 1.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-generator-loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_loss(fake: Float[Tensor, " b"]) -> Losses:
    """{"fool": ...}: -log D(G(z)) from D's logits of the fakes, a scalar in nats."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/generator_loss is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-generator-loss-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
generator_loss = check("gan/generator_loss", generator_loss)


# %% [markdown]
# ### Exercise 5 · the two turns
#
# *difficulty 3 of 5 · importance 5 of 5 · 15 minutes*
#
# Algorithm 1 with k = 1: in each round D moves once, then G moves once.
#
# | | forward | who learns |
# |---|---|---|
# | D's turn | both terms of `discriminator_loss`, on `D(x[k])` and on D of the **detached** fakes `G(z[k])` | D only |
# | G's turn | `generator_loss` on `D(G(z[k]))`, from the D that has just moved | G only; the gradient goes *through* D |
#
# `.detach()` cuts the graph: the values stay, but no gradient goes back to G. Without it D's turn would also teach G to be found out. Each turn is the five lines you know: loss, `zero_grad` of the mover's optimizer,
# `backward`, `step`. Use plain gradient descent (`torch.optim.SGD`) and the same `z[k]` in both turns, and note both losses (sums of their terms) in each round.
#
# <details><summary>Hint</summary>
#
# `move_D = torch.optim.SGD(D.parameters(), lr=learning_rate)`, the same for G; `for x_k, z_k in zip(x, z):`; `loss_D = sum(discriminator_loss(D(x_k), D(G(z_k).detach())).values())`.
# G's `backward()` also leaves gradients in D; they do no harm, for D's `zero_grad` forgets them before D's next turn.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def play(
    G: nn.Module,
    D: nn.Module,
    x: Float[Tensor, "rounds b n"],
    z: Float[Tensor, "rounds b d"],
    learning_rate: float,
) -> Float[Tensor, "rounds 2"]:
    """One round for each x[k] and z[k]: D moves, then G. Returns the loss of D and of G in each round."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/step is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-step-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
play = check("gan/step", play)


# %% [markdown]
# ## Algorithm 1
#
# The paper's Algorithm 1 lets D move k times for each move of G, each time on fresh images and fresh codes: a G that runs ahead of its judge
# learns from bad advice. Here it is, by hand, with Adam instead of plain descent (its first momentum is 0.5 instead of 0.9: the opponent keeps moving, so old gradients are soon wrong).
# While it trains, the truth is printed. **How to read the losses:** D's two terms start near log 2 = 0.69 each. When D wins they fall and `fool` rises; when nobody can
# tell the fakes from the real points they come back to log 4 = 1.39 together. In a game no loss needs to fall: a *constant* loss near 1.39 can mean that all is won.

# %%
def real_batches(size: int, seed: int = 0) -> Iterator[Batch]:
    """Endless batches of real points, always the same ones."""
    g = torch.Generator().manual_seed(seed)
    while True:
        yield {"image": ring.sample(size, g)}


@torch.no_grad()
def fakes_of(G: nn.Module, n: int = 2000) -> Tensor:
    return G(torch.randn(n, 2, generator=torch.Generator().manual_seed(7)))


def make_toy_players(seed: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    return make_toy_generator(), make_toy_discriminator()


game = Game(d=2, k=2, batch=SETTINGS.toy_batch)


def algorithm_1(G: nn.Module, D: nn.Module, rounds: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    adam_D, adam_G = adam(D, game.discriminator_rate), adam(G, game.generator_rate)  # betas (0.5, 0.999)
    batches = real_batches(game.k * game.batch)
    for index in range(rounds):
        for x in next(batches)["image"].chunk(game.k):  # D's k moves
            fake = draw_fakes(G, len(x), game.d).detach()
            loss_D = sum(discriminator_loss(D(x), D(fake)).values())
            adam_D.zero_grad()
            loss_D.backward()
            adam_D.step()
        loss_G = sum(generator_loss(D(draw_fakes(G, game.batch, game.d))).values())  # G's move
        adam_G.zero_grad()
        loss_G.backward()
        adam_G.step()
        yield index, loss_D.detach(), loss_G.detach()


# %% tags=["kept-picture"]
toy_G, toy_D = make_toy_players(seed=1)
snapshots, curves = {"before": fakes_of(toy_G)}, {"D": [], "G": []}
looks = [SETTINGS.toy_steps * share // 30 for share in (1, 3, 6, 15, 30)]
began = time.process_time()
for index, loss_D, loss_G in algorithm_1(toy_G, toy_D, SETTINGS.toy_steps):
    curves["D"].append(loss_D.item())
    curves["G"].append(loss_G.item())
    if index + 1 in looks:
        snapshots[f"round {index + 1:,}"] = fakes_of(toy_G)
        print(f"round {index + 1:5,}   D {loss_D:.2f}   G {loss_G:.2f}   {truth(fakes_of(toy_G))}")
results = {"non-saturating": (fakes_of(toy_G), time.process_time() - began)}
show_points(
    snapshots,
    alt="Six pictures of the toy world: the fakes begin as a blot in the middle, scatter, form a ring through all eight hills, and gather on them",
)
plot_curves(
    curves,
    alt="D's loss rises to about 1.3, close to log 4, and stays; G's loss falls to about 0.8, close to log 2, and stays",
    ylabel="nats",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Six pictures of the toy world: the fakes begin as a blot in the middle, scatter, form a ring through all eight hills, and gather on them](pictures/02_gan/90bc0357-1-8b92e090.webp)
#
# ![D's loss rises to about 1.3, close to log 4, and stays; G's loss falls to about 0.8, close to log 2, and stays](pictures/02_gan/90bc0357-2-b5668ae0.webp)
#
# </details>

# %% [markdown]
# The library's `train` is this loop written once for all lessons; a GAN is a game of two **players**, each with a loss and an optimizer, and `gan_players` makes k moves of D and one of G from
# your two losses. Is it really the same? Let us see:

# %%
def five_rounds(use_train: bool) -> Tensor:
    G, D = make_toy_players(seed=3)
    if use_train:
        players = gan_players(G, D, game, discriminator_loss, generator_loss)
        rounds = train(players, real_batches(game.k * game.batch), 5)
    else:
        rounds = algorithm_1(G, D, 5)
    for _ in rounds:
        pass
    return torch.cat([p.detach().flatten() for net in (G, D) for p in net.parameters()])


difference = (five_rounds(True) - five_rounds(False)).abs().max().item()
print("largest difference between the two below a millionth:", difference < 1e-6)


# %% [markdown]
# ## Other games
#
# The two losses are the rules of the game, and they can be changed. Three that are still in use:
#
# * **Least squares** ([arXiv:1611.04076](https://arxiv.org/abs/1611.04076), eq. 9): D's bare output shall be 1 for real images and 0 for fakes, squared error. A fake that D takes for real, but that lies far from the border, still gets a slope. CycleGAN (lesson 05) uses it.
# * **Saturating**: eq. (1) as it stands.
# * **Wasserstein** ([arXiv:1701.07875](https://arxiv.org/abs/1701.07875)): D, now called a **critic**, says any number, and the game is about the *difference of the averages* on real images and on fakes. If D's slope is nowhere steeper than 1, the best such
#   difference is the **earth mover's distance**: how far the heap of fakes must be carried, on average, to become the heap of real images. It grows with the distance even where p and q do not overlap, where JSD is stuck at log 2.
#
# How is D's slope kept at 1? By a fine for every other slope, the **gradient penalty** ([arXiv:1704.00028](https://arxiv.org/abs/1704.00028), eq. 3):
#
# $$\mathbb{E}_{\hat x}\Big[\big(\|\nabla_{\hat x} D(\hat x)\|_2 - 1\big)^2\Big], \qquad \hat x = \epsilon\, x + (1 - \epsilon)\, G(z), \quad \epsilon \sim U[0, 1)$$
#
# on random points of the straight lines between a real image and a fake.
#
# ### Exercise 6 · the gradient penalty
#
# *difficulty 4 of 5 · importance 3 of 5 · 15 minutes*
#
# One number: the average over the batch of (norm of the slope - 1)², not yet weighted. `eps` has one number for each image. The slope is a gradient *with respect to the images*,
# and D must be able to learn from it: that takes a gradient of a gradient.
#
# <details><summary>Hint</summary>
#
# `eps.view(-1, *[1] * (x.ndim - 1))` broadcasts. `x_hat.requires_grad_()`, then `torch.autograd.grad(D(x_hat).sum(), x_hat, create_graph=True)[0]` is the slope at each image (D judges each by itself, so the sum keeps them apart).
# `.flatten(1).norm(dim=1)` is its length.
# </details>

# %% nbgrader={"grade": false, "grade_id": "gan-gradient-penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_penalty(D, x: Tensor, fake: Tensor, eps: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Mean of (|slope of D| - 1)^2 at eps x + (1 - eps) fake, one point for each pair of images."""
    # YOUR CODE HERE
    raise NotImplementedError("gan/gradient_penalty is yours to write")


# %% nbgrader={"grade": true, "grade_id": "gan-gradient-penalty-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
gradient_penalty = check("gan/gradient_penalty", gradient_penalty)


# %% [markdown]
# All four games, with the same networks, the same start and the same number of rounds, and the full truth about the result. **Predict** which wins, and which takes longest.

# %% tags=["kept-picture"]
def critic_loss(G: nn.Module, D: nn.Module, x: Tensor, weight: float = 1.0) -> Losses:
    fake = draw_fakes(G, len(x), game.d).detach()
    penalty = weight * gradient_penalty(D, x, fake, torch.rand(len(x)))
    return wasserstein_discriminator_loss(D(x), D(fake)) | {"penalty": penalty}


def wasserstein_game(G: nn.Module, D: nn.Module) -> list[Player]:
    adam_D, adam_G = adam(D, game.discriminator_rate, (0.0, 0.9)), adam(G, game.generator_rate, (0.0, 0.9))

    def move(i: int) -> Player:
        return Player("D", lambda batch: critic_loss(G, D, batch["image"].chunk(game.k)[i]), adam_D)

    def fool(batch: Batch) -> Losses:
        return wasserstein_generator_loss(D(draw_fakes(G, game.batch, game.d)))

    return [*map(move, range(game.k)), Player("G", fool, adam_G)]


games = {
    "saturating": lambda G, D: gan_players(G, D, game, discriminator_loss, saturating_generator_loss),
    "least squares": lambda G, D: gan_players(
        G, D, game, least_squares_discriminator_loss, least_squares_generator_loss
    ),
    "Wasserstein": wasserstein_game,
}
for name, make_players in games.items():
    began, (G, D) = time.process_time(), make_toy_players(seed=1)
    rounds = train(make_players(G, D), real_batches(game.k * game.batch), SETTINGS.toy_steps)
    distance = []
    for step in watch(rounds, label=name, alt=f"Loss curves of the {name} game"):
        distance.append(-step.losses["D"]["real"] - step.losses["D"]["fake"])
    results[name] = fakes_of(G), time.process_time() - began
for name, (points, spent) in results.items():
    print(f"{name:>15}: {truth(points)}, {spent:5.1f} processor seconds")
show_points(
    {name: points for name, (points, _) in results.items()},
    alt="The fakes of the four games after the same number of rounds: a ring gathered on the hills; least squares has left one hill empty",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 1,500 steps (D: real 0.6748, D: fake 0.6319, G: fool -0.6381)](pictures/02_gan/58063904-1-bd8096da.webp)
#
# ![the losses after 1,500 steps (D: real 0.1187, D: fake 0.07321, G: fool 0.1924)](pictures/02_gan/58063904-2-cd9e037c.webp)
#
# ![the losses after 1,500 steps (D: real 1.204, D: fake -1.287, D: penalty 0.03067, G: fool 1.421)](pictures/02_gan/58063904-3-02aac235.webp)
#
# ![The fakes of the four games after the same number of rounds: a ring gathered on the hills; least squares has left one hill empty](pictures/02_gan/58063904-4-0aa9eea9.webp)
#
# </details>

# %% [markdown]
# Do not read a ranking into one run: a study that trained such games thousands of times ([arXiv:1711.10337](https://arxiv.org/abs/1711.10337)) found that with enough tuning none of them wins for good. What to see here:
#
# * **Least squares** has left a hill empty. That happens to all of these games now and then; KL shows it at once, D's loss does not.
# * **Wasserstein** costs more time for each round (the gradient of a gradient), but its losses mean something. `D: real` is *minus* D's average on real points; how high the curves stand means nothing, for a constant added to D changes nothing. What counts is D's average on real points less that on fakes, an estimate of the *distance* between the two. It is drawn below: it falls as the fakes get better, and of the four games this is the only one whose loss says how it goes. The penalty's weight is 1 in this small world; the paper's 10 is for images. (With 10, and k = 3, we found one hill of the eight after as many rounds.)
# * **Saturating** does well too: with so small a world D is never sure enough for the slope to vanish. We will make it sure below.

# %% tags=["kept-picture"]
plot_curves(
    {
        "real less fake": [
            (20 * k, part.mean().item()) for k, part in enumerate(torch.stack(distance).split(20))
        ]
    },
    alt="The distance that D estimates in the Wasserstein game",
    xlabel="round (each point is the mean of 20)",
    ylabel="distance",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![The distance that D estimates in the Wasserstein game](pictures/02_gan/dea8c61b-1-fe525014.webp)
#
# </details>

# %% [markdown]
# ## Digits
#
# Now a world where nobody knows the truth. G has linear layers, BatchNorm, ReLU and a tanh at the end, so that its pixels lie in [-1, 1]; D is its mirror image with LeakyReLU, and without BatchNorm: the verdict on one image must not depend on the others. (**BatchNorm** shifts and scales each number so that over the batch its mean is 0 and its spread 1, then learns a shift and a scale of its own; **LeakyReLU** lets a fifth of a negative number through.) The game is the one you wrote.
# A bare GAN works on digits, but some tricks pay. None of them is magic; each answers one of the failures that we will provoke below:
#
# | trick | what it does | against |
# |---|---|---|
# | **EMA of G** | we sample from an exponential moving average of G's weights, kept beside the G that plays | the game circles around its solution instead of reaching it; the average of a circle is its centre |
# | **warm-down** | the learning rates fall to almost 0 over the last 70 % of the rounds | the same: smaller and smaller circles |
# | **two time scales** ([arXiv:1706.08500](https://arxiv.org/abs/1706.08500)) | D and G have a learning rate each, here G's is twice D's, found by trying | one player running away from the other |
# | **one-sided label smoothing** ([arXiv:1606.03498](https://arxiv.org/abs/1606.03498), section 3.4) | D is told that real images are real with probability 0.9 | a D that is too sure of itself, whose advice is flat or wild |
#
# Why is only *one* side smoothed? If fakes were called "real with probability 0.1", the best D would be (0.9 p + 0.1 q)/(p + q): where there are only fakes it would still praise them a little, and G would stay there.

# %% tags=["kept-picture"]
train_set, test_set = digits("train"), digits("test")
batches = Batches(train_set, SETTINGS.batch, seed=0, device=device)
x = batches.batch(0)["image"]
show(x[:32], alt="Thirty-two handwritten digits, white on black", columns=16, title="real")

torch.manual_seed(1)
digit_game = Game(d=SETTINGS.d, batch=SETTINGS.batch, generator_rate=2e-3, discriminator_rate=1e-3)
digit_G = place(make_generator(digit_game.d, widths=SETTINGS.widths), device)
digit_D = place(make_discriminator(widths=SETTINGS.widths[::-1], dropout=0.0), device)
ema = EMA(digit_G, digit_game.ema)
with torch.no_grad():
    before = sample_gan(digit_G, draw_codes(32, digit_game.d))
show(
    before,
    alt="Thirty-two squares of grey noise: G before it has learnt anything",
    columns=16,
    title="before",
)
print(
    f"D says of real images {digit_D(x).sigmoid().mean():.2f}, of these {digit_D(before.to(device)).sigmoid().mean():.2f}"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Thirty-two handwritten digits, white on black](pictures/02_gan/9deb2198-1-bbb54f9b.webp)
#
# ![Thirty-two squares of grey noise: G before it has learnt anything](pictures/02_gan/9deb2198-2-28ed4cca.webp)
#
# </details>

# %% [markdown]
# Now the game; it takes about a minute of processor time. You see the losses, and what the averaged G makes of *the same* 32 codes all the time; the ■ button ends the training early and keeps what was learnt.
#
# **How to read the curves.** At 0.69 each, `D: real` and `D: fake` mean that D is undecided. In the first rounds D wins: both are lower, and `fool` is high. Then G finds its feet. Healthy is a D that is right more often than not, but not always: `real` + `fake` between 1 and 1.39, and `fool` near 1. (With the smoothed labels `D: real` cannot fall below 0.33.) If
# D's terms go to 0 and `fool` climbs beyond 5, D has won and G learns nothing more. **None of these numbers says how good the pictures are**: look at the pictures.

# %% tags=["kept-picture"]
z_fixed = draw_codes(32, digit_game.d, device)
players = gan_players(digit_G, digit_D, digit_game, smoothed_discriminator_loss, generator_loss)
run = train(players, batches.starting_at(0), SETTINGS.steps, schedule=warm_down, precision=precision)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: sample_gan(ema.net, z_fixed),
    alt="Loss curves of the GAN, and digits drawn from 32 fixed codes",
):
    ema.update()  # your own code goes here, once a round
gan_seconds = time.process_time() - began
print(f"{gan_seconds:.0f} processor seconds for {step.index + 1:,} rounds")


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 9,000 steps (D: real 0.7161, D: fake 0.4405, G: fool 1.008); Loss curves of the GAN, and digits drawn from 32 fixed codes, after 9,000 steps](pictures/02_gan/44cf32ba-1-93969140.webp)
#
# </details>

# %% [markdown]
# Fresh codes; nobody ever wrote these digits. Compare their strokes with those of lesson 01: white on black and no fog, for D would see fog at once. What is left are specks: a linear layer does not know which pixels are neighbours. Lesson 03 mends that with convolutions.

# %% tags=["kept-picture"]
def draw(n: int) -> Images:
    return sample_gan(ema.net, draw_codes(n, digit_game.d, device))


show(
    draw(96),
    alt="96 digits drawn by the GAN from random codes; strokes with hard edges, most can be named, some have specks",
    columns=16,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![96 digits drawn by the GAN from random codes; strokes with hard edges, most can be named, some have specks](pictures/02_gan/68030956-1-f0520e15.webp)
#
# </details>

# %% [markdown]
# ## Explore: a walk between two codes
#
# Lesson 01 walked in a straight line. Here the codes of a walk should stay typical draws of N(0, I), for G has seen no others: and the middle of two random codes is too *short* (in 32 dimensions nearly all codes
# have a length near √32 = 5.7; the middle of two has 4). So walk on an arc: if a and b are draws
# from N(0, I), then so is cos(πt/2) a + sin(πt/2) b, for every t. The ends are the ten codes, of 300, whose fakes a digit classifier is surest of: the clearest 0, 1, ..., 9. **Predict:** will the digit change smoothly, or jump?

# %% tags=["kept-picture"]
def walk(a: Codes, b: Codes, steps: int) -> Codes:
    """`steps` codes on the arc from a to b: (d,), (d,) -> (steps, d)."""
    angle = torch.linspace(0, torch.pi / 2, steps, device=a.device)[:, None]
    return angle.cos() * a + angle.sin() * b


torch.manual_seed(5)
codes = draw_codes(300, digit_game.d, device)
_, probability = digits_extractor(device)(sample_gan(ema.net, codes))  # (300, 10)
corners = codes[probability.argmax(dim=0).to(device)]  # for each digit, the code of its clearest fake
pairs = [(3, 8), (7, 2), (0, 6), (4, 1)]
show(
    torch.cat([sample_gan(ema.net, walk(corners[a], corners[b], 16)) for a, b in pairs]),
    alt="Four rows; in each a digit changes smoothly into another one, in sixteen steps",
    columns=16,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows; in each a digit changes smoothly into another one, in sixteen steps](pictures/02_gan/9312d022-1-1c6a8900.webp)
#
# </details>

# %%
def between(t: float, start: int, end: int, straight: bool) -> Images:
    a, b = corners[start], corners[end]
    z = (1 - t) * a + t * b if straight else math.cos(t * math.pi / 2) * a + math.sin(t * math.pi / 2) * b
    return sample_gan(ema.net, z[None])


explore(
    between,
    t=(0.0, 1.0, 0.5),
    start=(0, 9, 3),
    end=(0, 9, 8),
    straight=False,
    alt="The digit on the way from the code of a 3 to that of an 8",
)


# %% [markdown]
# A generator that had learnt its training images by heart would *jump* from one to the next. This one does not: between two digits there are plausible digits and, for a moment, something between.
#
# ## Break it on purpose
#
# ### Mode collapse: one switch, G's moves in a round
#
# What if G moves ten times for each move of D, instead of once for D's two? For so long D stands still, and the best answer to a D that stands still is the *one* point that it likes best. **Predict** the number of modes, and what happens when D wakes up.

# %% tags=["kept-picture"]
def play_unfairly(moves_of_G: int, rounds: int) -> dict[str, Tensor]:
    G, D = make_toy_players(seed=1)
    adam_D, adam_G = adam(D, 1e-3), adam(G, 1e-3)
    seen, batches = {}, real_batches(SETTINGS.toy_batch)
    for index in range(rounds):
        x = next(batches)["image"]
        loss_D = sum(discriminator_loss(D(x), D(draw_fakes(G, len(x), 2).detach())).values())
        adam_D.zero_grad()
        loss_D.backward()
        adam_D.step()
        for _ in range(moves_of_G):
            loss_G = sum(generator_loss(D(draw_fakes(G, len(x), 2))).values())
            adam_G.zero_grad()
            loss_G.backward()
            adam_G.step()
        if index >= rounds // 2 and (index + 1) % max(1, rounds // 8) == 0:
            seen[f"round {index + 1}"] = fakes_of(G)
    return seen


seen = play_unfairly(moves_of_G=10, rounds=SETTINGS.collapse_steps)
for name, points in seen.items():
    print(f"ten moves of G, {name}: {truth(points)}")
show_points(
    seen,
    alt="In each of four pictures all fakes form one narrow streak from the middle past one place of the ring; it points another way from picture to picture, and most hills stay empty",
)
fair = play_unfairly(moves_of_G=1, rounds=SETTINGS.collapse_steps)
print(f"one move of G, {list(fair)[-1]}: {truth(list(fair.values())[-1])}")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![In each of four pictures all fakes form one narrow streak from the middle past one place of the ring; it points another way from picture to picture, and most hills stay empty](pictures/02_gan/b359d9bb-1-d9150de3.webp)
#
# </details>

# %% [markdown]
# All fakes in one thin streak. Mostly *one* hill is the nearest to all of them (KL = log 8 = 2.08), and yet many fly past it, so few are *good*. When D has learnt to distrust that place the streak swings to another: the hunt never ends. This is **mode collapse**. D's and G's losses look lively all the while; only a measure of *variety* sees it. On real images that is recall.
#
# ### Vanishing gradient: one switch, G's loss
#
# G stands still at its start, D trains. At each step: how long is the gradient that G *would* get? **Predict** the ratio of the two after D has become sure.

# %% tags=["kept-picture"]
G, D = make_toy_players(seed=1)
adam_D = adam(D, 1e-3)
norms = {"non-saturating": [], "saturating": []}
z = torch.randn(SETTINGS.toy_batch, 2)
for _ in range(SETTINGS.judge_steps):
    logits = D(G(z))
    norms["non-saturating"].append(gradient_norm(generator_loss(logits)["fool"], G))
    norms["saturating"].append(gradient_norm(saturating_generator_loss(logits)["fool"], G))
    loss_D = sum(discriminator_loss(D(ring.sample(len(z))), D(G(z).detach())).values())
    adam_D.zero_grad()
    loss_D.backward()
    adam_D.step()
plot_curves(
    norms,
    alt="On a logarithmic axis: the non-saturating gradient grows while D learns, the saturating one falls by powers of ten",
    xlabel="steps of D",
    ylabel="norm of G's gradient",
    log=True,
)
last = {name: values[-1] for name, values in norms.items()}
print(
    f"after {SETTINGS.judge_steps} steps D gives the fakes {D(G(z)).sigmoid().mean():.1e}; norm of G's gradient:",
    end=" ",
)
print(f"non-saturating {last['non-saturating']:.2e}, saturating {last['saturating']:.2e}, ", end="")
print(f"ratio {last['non-saturating'] / last['saturating']:,.0f}")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![On a logarithmic axis: the non-saturating gradient grows while D learns, the saturating one falls by powers of ten](pictures/02_gan/59b019b4-1-4b2f90d7.webp)
#
# </details>

# %% [markdown]
# The slopes of the two losses with respect to a logit t are σ(t) - 1 and -σ(t): with D sure of itself, σ(t) ≈ 0, one is almost -1 and the other almost 0. A generator with the saturating loss that falls behind stays behind.
#
# ### Non-convergence: one switch, who moves when
#
# Gradient descent finds a valley. Two players who each descend their own loss need not find anything. The smallest example is the **bilinear game** V(a, b) = a b: one player owns a and wants V small, the other owns b and wants it large. The solution is a = b = 0. Start at (1, 0), and let both
# move *at once* with the learning rate η:
#
# $$a' = a - \eta b, \quad b' = b + \eta a \quad\Rightarrow\quad a'^2 + b'^2 = (1 + \eta^2)(a^2 + b^2).$$
#
# So the radius *grows* by √(1 + η²) in every step, whatever η is. **Predict** what happens if they move in turn, as in Algorithm 1.

# %%
eta, n = 0.1, 400
at_once, in_turn = bilinear_orbit(n, eta), bilinear_orbit(n, eta, alternating=True)
print(
    f"at once: radius after {n} steps {at_once[-1].norm():.3f}, by the formula {(1 + eta**2) ** (n / 2):.3f}"
)
print(
    f"in turn: radius between {in_turn.norm(dim=1).min():.3f} and {in_turn.norm(dim=1).max():.3f}, for ever"
)
print(f"in turn: the average of all places has the radius {in_turn.mean(0).norm():.3f}")

# %% tags=["kept-picture"]
fig, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
for ax, (title, orbit) in zip(axes, {"both at once": at_once, "in turn": in_turn}.items(), strict=True):
    ax.plot(*orbit.T, linewidth=1, color="#0072b2")
    ax.plot(*orbit[0], "o", color="#009e73", label="start")
    ax.plot(0, 0, "+", color="#d55e00", markersize=12, label="solution")
    ax.plot(*orbit.mean(0), "x", color="#cc79a7", markersize=9, label="average of the orbit")
    ax.set(aspect="equal", xlabel="a", ylabel="b", title=title)
fig.legend(
    *axes[1].get_legend_handles_labels(), loc="outside lower center", ncol=3, frameon=False, fontsize=9
)
show_figure(
    fig,
    alt="Left: a spiral that leaves the solution further behind with each turn. Right: a closed ring around it; its average is the solution",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Left: a spiral that leaves the solution further behind with each turn. Right: a closed ring around it; its average is the solution](pictures/02_gan/cdcbb428-1-7f787efb.webp)
#
# </details>

# %% [markdown]
# In turn the orbit neither shrinks nor grows: it circles for ever. But look at the pink ×: the *average* of the orbit is the solution. That is the reason for the EMA of G, and below you see what it is worth on digits.
#
# ## Measure it
#
# A picture can flatter; a number must say what it is of. **FID** (lesson 00) compares 84 features of a small digit classifier: 0 is perfect, "real v real" is what other real digits get. **Precision**: how many samples look real. **Recall**: how much of the real variety is there. Beside the GAN stand the same
# generator *without* averaging, and a VAE of lesson 01 that was given **the same processor seconds**. **Predict:** who has the better precision, who the better recall?

# %%
torch.manual_seed(1)
vae = place(VAE(16), device)
vae_run = train(
    [vae_player(vae)],
    batches.starting_at(0),
    cpu_seconds(gan_seconds),
    schedule=warm_up_down,
    precision=precision,
)
for step in watch(vae_run, label="VAE", alt="Loss curves of the VAE"):
    pass

# %%
samplers = {
    "GAN, averaged G": draw,
    "GAN, last G": lambda n: sample_gan(digit_G, draw_codes(n, digit_game.d, device)),
    "VAE, same seconds": lambda n: sample_vae(vae, n),
}
scores = {
    name: evaluate(sampler, reference="digits", n=SETTINGS.scored) for name, sampler in samplers.items()
}
display(Markdown(score_table(scores)))
for name, net in {"G": digit_G, "D": digit_D, "VAE": vae}.items():
    print(f"{name:>4}: {sum(p.numel() for p in net.parameters()):,} parameters")

# %% [markdown]
# Read the rows against each other. In the run kept here:
#
# * **GAN against VAE, at equal seconds:** the GAN's FID is less than half, its precision higher (0.76 against 0.70): no fog. The VAE's recall is slightly higher (0.64 against 0.60), as one would expect of a loss that asks for every training image; but that is a few hundredths, and **coverage** says the opposite (0.36 against the GAN's 0.74). Two measures of variety need not agree: lesson 08.
# * **Averaged G against the last G:** FID, KID, density and coverage are clearly better for the average, precision and recall by two hundredths, which is nothing; it costs a copy of the weights. That is the cross in the middle of the orbit.
# * The distance to "real v real" is still large. Lesson 03 gives G and D convolutions.
#
# One run each, on 5,000 samples; the ± is of the samples, not of another training.
#
# Is the GAN inventing, or did it learn its training images by heart? Under each sample: the training image nearest to it, pixel by pixel. And a number: digits of the *test* set, which nobody has learnt, have nearest
# training images too. A copying machine would be much nearer than they are.

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
# ![Top: sixteen samples. Bottom: the training image nearest to each; alike in shape, never the same](pictures/02_gan/c01afb12-1-efaca43a.webp)
#
# </details>

# %% [markdown]
# ## What to take away
#
# * A GAN has no likelihood and no reconstruction: its loss is a second network, which learns to see what is still wrong.
# * The best D is p/(p+q); against it G minimises a distance between p and q. A D that says 1/2 everywhere costs log 4 = 1.39 nats.
# * In D's turn the fakes are detached; in G's turn the gradient goes through D. Losses are taken from logits.
# * Two players need not converge. Balance (k, learning rates), averaging and a falling learning rate are what makes it work.
# * Losses do not say how good the samples are. Pictures, precision and recall do.
#
# **To think over.** (1) D's loss is 1.39 from the first round to the last. Name two very different reasons. (2) Why must D not have BatchNorm when the gradient penalty is used? (3) A GAN's samples all look perfect, and recall is 0.05. What happened, and what would FID say? (4) In the average over
# rounds, G is trained against many different D. What would you expect of a D that remembers *old* fakes?
#
# **What can go wrong in the world.** The judge is only as good as its examples: what is rare in the data is the first thing that a collapsing generator leaves out, and with faces "rare" means people. GANs made forged portraits cheap; a detector is a D, and
# whoever can question it can train against it, so detection alone is no defence. Samples can be near-copies of training images when there are few: measure the nearest neighbours before you publish a generator trained on people's pictures.
#
# **References.** Goodfellow et al. 2014, arXiv:1406.2661 · Goodfellow 2016 (tutorial), arXiv:1701.00160 · Salimans et al. 2016 (label smoothing), arXiv:1606.03498 · Metz et al. 2017 (eight Gaussians), arXiv:1611.02163 · Mao et al. 2017 (least squares), arXiv:1611.04076 ·
# Arjovsky, Chintala and Bottou 2017 (Wasserstein), arXiv:1701.07875 · Gulrajani et al. 2017 (gradient penalty), arXiv:1704.00028 · Heusel et al. 2017 (two time scales, FID), arXiv:1706.08500 · Mescheder, Geiger and Nowozin 2018 (which GANs converge), arXiv:1801.04406 ·
# Yazıcı et al. 2019 (averaging G), arXiv:1806.04498 · Kynkäänniemi et al. 2019 (precision and recall), arXiv:1904.06991.
