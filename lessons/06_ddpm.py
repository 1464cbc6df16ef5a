# %% [markdown]
# # 06 · Denoising diffusion
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/06_ddpm.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/06_ddpm.ipynb)
#
# | | |
# |---|---|
# | **You will build** | a diffusion model: first in a toy world where the perfect denoiser is known, then on digits; it draws the digit you ask for, cleans, completes and redraws pictures it was never trained for |
# | **You should know** | lesson 01, or: what a Gaussian, a KL and a training loop are |
# | **Time** | about two hours of yours. The computer needs about 8 minutes on one core (measured: 7 min 29 s, beside a benchmark on the other), about 12 on a T4-class GPU with the larger sizes (estimated, not measured) |
# | **Paper** | Ho, Jain and Abbeel, *Denoising Diffusion Probabilistic Models*, [arXiv:2006.11239](https://arxiv.org/abs/2006.11239); equation numbers below are theirs unless another paper is named |
#
# You write seven small functions. Each is checked at once, and if you are stuck the check hands you the
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import Markdown, display
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.data.digits import digits
from course_lib.device import evaluating, fast_precision, pick_device, pick_tier, place
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import conditional_accuracy, evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.intervals import frechet_with_error
from course_lib.metrics.neighbours import nearest_images
from course_lib.metrics.similarity import psnr
from course_lib.models.ddpm import (
    V,
    Point,
    ancestral_path,
    cosine_schedule,
    ddpm_player,
    denoiser,
    linear_schedule,
    no_label,
    sample_ddpm,
)
from course_lib.models import editing, unet
from course_lib.models.mixture import Mixture, ring_mixture
from course_lib.models.pretrained import fill, load_pretrained
from course_lib.models.samplers import all_at, guided, sample_ddim, sample_dpm_solver, spread_times
from course_lib.models.toy import Ring
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show, show_figure
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, train, warm_down, warm_up_down
from course_lib.types import Batch, Images, Labels, Losses


@dataclass(frozen=True)
class Settings:
    naive_steps: int = 2_000  # the network that denoises in one jump
    toy_steps: int = 4_000  # of the small network in the toy world
    toy_chain_steps: int = 1_000  # T of the toy world, the paper's
    toy_points: int = 2_000  # drawn for each number of the toy world
    chain_steps: int = 500  # T of the digits
    quick_steps: int = 20  # of DPM-Solver++
    batch: int = 32  # digits a step
    steps: int = 4_500  # of the U-Net's training
    learning_rate: float = 2e-3
    ema: float = 0.998  # decay of the averaged U-Net, which is the one that is sampled
    scored: int = 1_000  # samples behind each number of the last table
    compared: int = 250  # samples behind each number of the comparison of samplers


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(
        naive_steps=4, toy_steps=12, toy_chain_steps=40, toy_points=100, chain_steps=8, quick_steps=4,
        batch=16, steps=3, scored=40, compared=24,
    ),
    "cpu": Settings(),
    "gpu": Settings(chain_steps=1_000, batch=256, steps=12_000, ema=0.9995, scored=5_000, compared=2_000),
}[TIER]  # fmt: skip
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## The naive try
#
# It is easy to *destroy* a digit: add noise until nothing is left. If a network could undo that, we could hand it pure noise, of which we have as much as we want, and get a digit that nobody wrote.
# So: take digits, drown them in noise of all strengths, and train a network to give the clean digit back, in one jump and with the squared error. (About twenty seconds.)
#
# Below, the first row is what the network gets; the digit in it is the same one, and its share falls from left to right until, in the last three, there is noise alone. **Predict** the second row.

# %% tags=["kept-picture"]
train_set, test_set = digits("train"), digits("test")
batches = Batches(train_set, SETTINGS.batch, seed=0, device=device)
x_test, y_test = from_uint8(test_set["image"]).to(device), test_set["label"].to(device)

torch.manual_seed(1)
naive = place(
    nn.Sequential(
        nn.Linear(785, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 784), nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
)  # fmt: skip


def jump(x: Images, share: Tensor) -> Images:
    """The network's clean image; it is told how much of what it sees is still the digit's."""
    return naive(torch.cat([x.flatten(1), share.view(-1, 1)], dim=1))


adam = torch.optim.Adam(naive.parameters(), lr=1e-3)
for k in range(SETTINGS.naive_steps):
    x = batches.batch(k)["image"]
    share = torch.rand(len(x), 1, 1, 1, device=device) ** 3  # of the variance; often near 0
    loss = F.mse_loss(jump(share.sqrt() * x + (1 - share).sqrt() * torch.randn_like(x), share), x)
    adam.zero_grad()
    loss.backward()
    adam.step()

shares = torch.tensor([1, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02, 0, 0, 0], device=device).view(-1, 1, 1, 1)
given = shares.sqrt() * x_test[:1] + (1 - shares).sqrt() * torch.randn(11, 1, 28, 28, device=device)
with evaluating(naive):
    show(
        torch.cat([given.clamp(-1, 1), jump(given, shares)]),
        alt="Top: a 7 that drowns in noise from left to right. Bottom: what the network makes of it: a clear 7, then a "
        "more and more blurred one, and of pure noise, three times, a grey fog",
        columns=11,
        labels=[f"{s:.0%}" for s in shares.flatten().tolist()] * 2,
    )

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: a 7 that drowns in noise from left to right. Bottom: what the network makes of it: a clear 7, then a more and more blurred one, and of pure noise, three times, a grey fog](pictures/06_ddpm/01ef6232-1-5904cf81.webp)
#
# </details>

# %% [markdown]
# With a little noise the network is good. With much it gives a blur, and of pure noise, at the right, a fog that is no digit. (It is almost the same one each time, whatever the noise.) Not because it is bad: a squared error is smallest at the **average** of all digits that may be behind the noise,
# and behind pure noise may be any. (Lesson 02's naive generator ended in the middle of its circle for the same reason.)
#
# But read the row from right to left. From the fog a hint of a digit can be had; from the hint, a better one; each time the rest of the noise leaves fewer digits possible. **The jump is too far; a thousand small steps are not.**
#
# ## The idea in one picture

# %%
show_diagram(
    "06_ddpm",
    alt="Five pictures in a row: a digit x0, three with more and more noise, and pure noise x_T. Arrows to the right: a little "
    "noise is added T times, by a formula. Arrows to the left: a little noise is taken away T times, by one network that sees "
    "x_t and t and says which noise is in it.",
)

# %% [markdown]
# ## The way to noise
#
# Each step shrinks the image a little and adds a little noise, of variance β<sub>t</sub> (eq. 2):
#
# $$q(x_t \mid x_{t-1}) = N\big(\sqrt{1-\beta_t}\; x_{t-1},\; \beta_t I\big) \tag{2}$$
#
# Why shrink? With α<sub>t</sub> = 1 - β<sub>t</sub> the variance stays 1 if it was 1: α<sub>t</sub> · 1 + β<sub>t</sub> = 1. Sums of Gaussians are Gaussian, so t steps amount to *one*, with ᾱ<sub>t</sub> = α<sub>1</sub> α<sub>2</sub> ⋯ α<sub>t</sub> (eq. 4):
#
# $$q(x_t \mid x_0) = N\big(\sqrt{\bar\alpha_t}\; x_0,\; (1-\bar\alpha_t) I\big), \qquad x_t = \sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\;\epsilon \tag{4}$$
#
# Do not believe a derivation: compute it. Start at the number x_0 = 0.8 and follow the mean and the variance through eq. (2), step by step, with the paper's 1,000 values of β:

# %%
paper = linear_schedule(1000, first=1e-4, last=0.02)  # section 4
mean, variance = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
for t in range(1, 1001):
    alpha, beta = 1 - paper.betas[t].double(), paper.betas[t].double()
    mean, variance = alpha.sqrt() * mean, alpha * variance + beta  # eq. (2)
    if t in (1, 10, 100, 300, 1000):
        abar = paper.abar[t].double()
        print(f"t = {t:4}: mean {mean:.4f}, variance {variance:.4f}; ", end="")
        print(f"eq. (4) in one move: {0.8 * abar.sqrt():.4f}, {1 - abar:.4f}")


# %% [markdown]
# That is why training is cheap: nobody walks the chain, any x_t is one line away.
#
# ### Exercise 1 · add noise
#
# *difficulty 2 of 5 · importance 5 of 5 · 5 minutes*
#
# Eq. (4). `abar` has T + 1 entries: abar[0] = 1 is the clean image, abar[t] belongs to step t, so **no index is shifted**. Each x0 of the batch has a t of its own; x0 may be images (b, c, h, w) or points (b, 2).
#
# <details><summary>Hint</summary>
#
# `abar[t]` has shape (b,), and torch lines up shapes from the right: it would meet the columns of the image. `abar[t].view(-1, *[1] * (x0.ndim - 1))` gives it a 1 for every other axis.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-add-noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_noise(
    x0: Float[Tensor, "b *d"], t: Int[Tensor, " b"], eps: Float[Tensor, "b *d"], abar: Float[Tensor, " T1"]
) -> Float[Tensor, "b *d"]:
    """x_t from x_0 in one move, with the noise eps ~ N(0, I); t in 0..T."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/add_noise is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-add-noise-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
add_noise = check("ddpm/add_noise", add_noise)

# %% [markdown]
# How quickly should the image fade? The paper lets β rise in a straight line. A later paper ([arXiv:2102.09672](https://arxiv.org/abs/2102.09672), eq. 17) chooses ᾱ instead, a cosine: the straight line wastes many steps on what is noise already. **Predict** from the curves: at which share of the way can you no longer name a digit?

# %% tags=["kept-picture"]
cosine = cosine_schedule(1000)
every = range(0, 1001, 10)
plot_curves(
    {
        "linear (2006.11239)": [(t, paper.abar[t].item()) for t in every],
        "cosine (2102.09672)": [(t, cosine.abar[t].item()) for t in every],
    },
    alt="Two falling curves from 1 to 0 over t: the linear schedule falls early and is near 0 for the last third, the cosine falls evenly",
    xlabel="t",
    ylabel="abar, the image's share of the variance",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Two falling curves from 1 to 0 over t: the linear schedule falls early and is near 0 for the last third, the cosine falls evenly](pictures/06_ddpm/1bb75e8f-1-df8d01cf.webp)
#
# </details>

# %%
def noised(t: int, schedule: str) -> Images:
    """Eight test digits at step t, always with the same noise."""
    eps = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(0)).to(device)
    abar = {"cosine": cosine, "linear": paper}[schedule].abar.to(device)
    return add_noise(x_test[:8], all_at(t, eps), eps, abar)


explore(noised, t=(0, 1000, 300), schedule=["cosine", "linear"], alt="Eight digits under the noise of step t")

# %% [markdown]
# (With the cosine they go under at about t = 750. The linear schedule has as little image left at about 440, so more than half of its steps work on what is noise already.)
#
# ## The way back
#
# Eq. (2) run backwards, q(x_{t-1} | x_t), is what we want and cannot have: which x_{t-1} is likely depends on what digits look like. But *if somebody told us x_0*, Bayes' rule would give it (eq. 6 and 7):
#
# $$q(x_{t-1} \mid x_t, x_0) = N\big(\tilde\mu_t,\; \tilde\beta_t I\big), \quad
# \tilde\mu_t = \frac{\sqrt{\bar\alpha_{t-1}}\,\beta_t}{1-\bar\alpha_t}\, x_0 + \frac{\sqrt{\alpha_t}\,(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}\, x_t, \quad
# \tilde\beta_t = \frac{1-\bar\alpha_{t-1}}{1-\bar\alpha_t}\,\beta_t \tag{7}$$
#
# Now put x_0 = (x_t - √(1-ᾱ<sub>t</sub>) ε) / √ᾱ<sub>t</sub>, which is eq. (4) solved for x_0, into that mean. The paper's eq. (11) remains:
#
# $$\tilde\mu_t = \frac{1}{\sqrt{\alpha_t}} \Big( x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\, \epsilon \Big) \tag{11}$$
#
# So it is enough to guess ε, the noise in x_t: the mean of the step back follows. And the loss? The KL of two Gaussians with the same variance is the squared distance of their means, over twice that variance; by eq. (11) that is a squared distance of noises, with a factor (eq. 12).
# Line by line, with numbers: Bayes' rule on a fine grid, then the formulas.

# %%
t, x_0, x_t = 300, 0.8, -0.4
alpha, abar_t, abar_s = (v.double() for v in (paper.alphas[t], paper.abar[t], paper.abar[t - 1]))
beta = 1 - alpha
grid = torch.linspace(-8, 8, 200_001, dtype=torch.float64)  # all values that x_{t-1} may have
likelihood = torch.distributions.Normal(alpha.sqrt() * grid, beta.sqrt()).log_prob(torch.tensor(x_t).double())
prior = torch.distributions.Normal(abar_s.sqrt() * x_0, (1 - abar_s).sqrt()).log_prob(grid)
p = (likelihood + prior).softmax(0)  # q(x_t | x_{t-1}) q(x_{t-1} | x_0), normalised
bayes_mean = (p * grid).sum()
bayes_variance = (p * (grid - bayes_mean) ** 2).sum()
mu = (abar_s.sqrt() * beta * x_0 + alpha.sqrt() * (1 - abar_s) * x_t) / (1 - abar_t)  # eq. (7)
tilde = (1 - abar_s) / (1 - abar_t) * beta  # eq. (7)
eps = (x_t - abar_t.sqrt() * x_0) / (1 - abar_t).sqrt()  # eq. (4)
mu_eps = (x_t - beta / (1 - abar_t).sqrt() * eps) / alpha.sqrt()  # eq. (11)
print(f"Bayes on a grid: mean {bayes_mean:.6f}, variance {bayes_variance:.6f}")
print(f"eq. (7):         mean {mu:.6f}, variance {tilde:.6f}")
print(f"eq. (11):        mean {mu_eps:.6f}   from the noise alone")

guess = eps + 0.3  # a network that is wrong by 0.3
mu_guess = (x_t - beta / (1 - abar_t).sqrt() * guess) / alpha.sqrt()
kl = torch.distributions.kl_divergence(
    torch.distributions.Normal(mu, beta.sqrt()), torch.distributions.Normal(mu_guess, beta.sqrt())
)
weight = beta**2 / (2 * beta * alpha * (1 - abar_t))
print(f"KL of the two steps {kl:.8f} nats;  weight * (error of the noise)^2 {weight * 0.3**2:.8f}   eq. (12)")


# %% [markdown]
# ## What is minimised
#
# The bound on log p(x) (lesson 01's ELBO, here with T codes instead of one) is a sum of such terms. The paper drops their weights, and that is the whole training (eq. 14, Algorithm 1):
#
# $$L_{\text{simple}} = \mathbb{E}_{t,\, x_0,\, \epsilon} \Big\| \epsilon - \epsilon_\theta\big(\underbrace{\sqrt{\bar\alpha_t}\, x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon}_{x_t},\; t\big) \Big\|^2 \tag{14}$$
#
# ### Exercise 2 · L_simple
#
# *difficulty 3 of 5 · importance 5 of 5 · 10 minutes*
#
# For a batch of points x0 (b, n): draw for **each** point a t, all of 1, ..., T equally likely, and noise eps; add it; let the network guess it; return {"noise": the **mean** squared error}. This small network gets one tensor: x_t and behind it, as one more column, t / T.
#
# <details><summary>Hint</summary>
#
# T is `len(abar) - 1`. `torch.randint(1, T + 1, (len(x0),))` never gives its upper end. `net(torch.cat([xt, t[:, None] / T], dim=1))` is the guess, `F.mse_loss` the mean squared error.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ddpm_loss(net: nn.Module, x0: Float[Tensor, "b n"], abar: Float[Tensor, " T1"]) -> Losses:
    """{"noise": ...}: L_simple with fresh t and eps; net maps (b, n + 1), a point and t / T, to (b, n)."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/loss is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-loss-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
ddpm_loss = check("ddpm/loss", ddpm_loss)

# %% [markdown]
# ## A world where the truth is known
#
# Eight small Gaussians on a circle, as in lesson 02. Here even the *perfect* network is known: if x_0 is a mixture of Gaussians then so is every x_t, and Bayes' rule gives the average of all noises that may be in it, E[ε | x_t].
# It is the best guess there is, and its loss is **not** 0: nobody can know the noise. Train, by hand, and compare. (The toy world stays on the processor; about ten seconds.)

# %%
truth = ring_mixture(modes=8, radius=1.4, std=0.1)
ring = Ring(radius=1.4, std=0.1)  # the same world, for counting: modes hit, share of good points, KL
toy = cosine_schedule(SETTINGS.toy_chain_steps)
T_toy = toy.steps


def make_toy_net(seed: int) -> nn.Sequential:
    """A point and t / T, three numbers -> the noise, two numbers."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(3, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 2)
    )  # fmt: skip


def real_points(seed: int = 0) -> Iterator[Batch]:
    g = torch.Generator().manual_seed(seed)
    while True:
        yield {"image": ring.sample(512, g)}


def algorithm_1(net: nn.Module, steps: int, rate: float = 5e-3) -> Iterator[float]:
    adam = torch.optim.Adam(net.parameters(), lr=rate)
    points = real_points()
    for k in range(steps):
        for group in adam.param_groups:
            group["lr"] = rate * warm_down(k / steps)  # full speed, then slower and slower
        loss = sum(ddpm_loss(net, next(points)["image"], toy.abar).values())
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield loss.item()


toy_net = make_toy_net(seed=1)
curve = list(algorithm_1(toy_net, SETTINGS.toy_steps))
plot_curves(
    {"L_simple": curve},
    alt="The loss falls within a few hundred steps from 1 to about 0.4 and then hardly at all; it stays noisy",
    xlabel="step",
    ylabel="mean squared error of the noise",
)


# %% [markdown]
# The loss falls, and stops far above 0. Is the network bad, or is the task? Here we can say:

# %% tags=["kept-picture"]
def toy_guess(xt: Tensor, t: Tensor) -> Tensor:
    """The network's guess of the noise in points x_t."""
    return toy_net(torch.cat([xt, t[:, None] / T_toy], dim=1))


def best_guess(xt: Tensor, t: Tensor) -> Tensor:
    """E[eps | x_t], exactly: eps = -sqrt(1 - abar) times the score, the slope of log q(x_t)."""
    abar_t = toy.abar[t][:, None]
    return -(1 - abar_t).sqrt() * truth.score(xt, abar_t)


torch.manual_seed(3)
x0, t = ring.sample(20_000), torch.randint(1, T_toy + 1, (20_000,))
eps = torch.randn_like(x0)
xt = add_noise(x0, t, eps, toy.abar)
with torch.no_grad():
    learnt, best = toy_guess(xt, t), best_guess(xt, t)
print(
    f"L_simple of the network {F.mse_loss(learnt, eps):.4f}, of the perfect one {F.mse_loss(best, eps):.4f}"
)
print(f"mean squared distance between the two guesses {F.mse_loss(learnt, best):.4f}")

axis = torch.linspace(-2.2, 2.2, 17)
plane = torch.cartesian_prod(axis, axis)
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3.0), layout="constrained")
for ax, share in zip(axes, (0.75, 0.4, 0.12), strict=True):
    at = all_at(max(1, round(share * T_toy)), plane)
    dots = add_noise(ring.sample(600), at[:1].expand(600), torch.randn(600, 2), toy.abar)
    ax.scatter(*dots.T, s=1, c="#bbbbbb")
    with torch.no_grad():
        for guess, colour, wide in ((best_guess, "#222222", 0.006), (toy_guess, "#d55e00", 0.003)):
            ax.quiver(*plane.T, *-guess(plane, at).T, color=colour, scale=45, width=wide)
    ax.set(
        xlim=(-2.4, 2.4),
        ylim=(-2.4, 2.4),
        aspect="equal",
        xticks=[],
        yticks=[],
        title=f"t = {int(at[0])} of {T_toy}",
    )
show_figure(
    fig,
    alt="Three maps of arrows over the noisy points. At large t all arrows point to the middle; later to the ring; at small t each to "
    "the nearest of the eight hills. The network's orange arrows lie on the exact black ones, except far from the points",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Three maps of arrows over the noisy points. At large t all arrows point to the middle; later to the ring; at small t each to the nearest of the eight hills. The network's orange arrows lie on the exact black ones, except far from the points](pictures/06_ddpm/083eec3f-1-e85e4600.webp)
#
# </details>

# %% [markdown]
# It is the task: 0.3519 for the network, 0.3481 for the best there is. A third of the noise's variance nobody can know.
#
# Black is the truth, orange the network: minus the noise, so the arrows say *where to go*. Early (much noise) all point to the middle, the average of everything, as the naive network did; as the noise falls they turn to the circle, then each to its own hill. That is how small steps decide what one jump cannot.
#
# What the arrows show has a name, the **score**: the slope of log q(x_t), which is -ε/√(1-ᾱ<sub>t</sub>) on average. Learning to denoise *is* learning the score ([arXiv:2011.13456](https://arxiv.org/abs/2011.13456)).
#
# ### Exercise 3 · one step back
#
# *difficulty 3 of 5 · importance 5 of 5 · 10 minutes*
#
# Algorithm 2: the mean of eq. (11) with the guess `eps_hat` for ε, plus √β<sub>t</sub> · z. At t = 1, the last step, no noise is added. `t` is one number for the whole batch; the noise z is handed in. Remember α<sub>t</sub> = ᾱ<sub>t</sub> / ᾱ<sub>t-1</sub>.
#
# (The paper tries two variances, β<sub>t</sub> and β̃<sub>t</sub> of eq. 7, and finds no difference. Here it is β<sub>t</sub>; the library's default is β̃<sub>t</sub>.)
#
# <details><summary>Hint</summary>
#
# `alpha = abar[t] / abar[t - 1]`, `beta = 1 - alpha`. Variance is not standard deviation: the factor of z is a root.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-reverse-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reverse_step(
    xt: Float[Tensor, "b *d"],
    t: int,
    eps_hat: Float[Tensor, "b *d"],
    z: Float[Tensor, "b *d"],
    abar: Float[Tensor, " T1"],
) -> Float[Tensor, "b *d"]:
    """x_{t-1} from x_t by Algorithm 2, with the variance beta_t; t in 1..T."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/reverse_step is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-reverse-step-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
reverse_step = check("ddpm/reverse_step", reverse_step)


# %% [markdown]
# Algorithm 2 is a loop around it. Start from pure noise and step back T times; once with the network, once with the perfect guess. The three numbers are lesson 02's: **modes** hit of eight, **good** points (98.9 % of the real ones lie on a hill), and the **KL** between the hills' shares and fair shares. **Predict:** will a hill be left out?

# %% tags=["kept-picture"]
@torch.no_grad()
def algorithm_2(guess: Callable, n: int, abar: Tensor, seed: int = 0) -> Iterator[tuple[int, Tensor]]:
    """(t - 1, x_{t-1}) for t = T, ..., 1, from pure noise."""
    g = torch.Generator().manual_seed(seed)
    xt = torch.randn(n, 2, generator=g)
    for t in range(len(abar) - 1, 0, -1):
        xt = reverse_step(xt, t, guess(xt, all_at(t, xt)), torch.randn(n, 2, generator=g), abar)
        yield t - 1, xt


def numbers(points: Tensor) -> str:
    return f"modes {ring.modes_hit(points)} of 8, good {ring.share_good(points):6.1%}, KL {ring.kl_to_truth(points):.3f} nats"


looks = {round(share * T_toy) for share in (0.6, 0.4, 0.25, 0.1)} | {0}
kept, ends = {f"t = {T_toy}": torch.randn(SETTINGS.toy_points, 2)}, {}
for name, guess in {"the network": toy_guess, "the perfect guess": best_guess}.items():
    began = time.process_time()
    for t, xt in algorithm_2(guess, SETTINGS.toy_points, toy.abar):
        if t in looks and guess is toy_guess:
            kept[f"t = {t}"] = xt
    ends[name] = xt
    print(f"{name:>17}: {numbers(xt)}   ({time.process_time() - began:.1f} processor seconds)")
print(f"      real points: {numbers(ring.sample(SETTINGS.toy_points))}")
fig, axes = plt.subplots(1, len(kept), figsize=(1.75 * len(kept), 2.0), layout="constrained")
for ax, (title, points) in zip(axes, kept.items(), strict=True):
    ax.scatter(*points[:800].T, s=1.5, c="#d55e00", alpha=0.6)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
show_figure(
    fig,
    alt="Six pictures: a round cloud of noise becomes a ring and then gathers on eight small hills, all of them",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Six pictures: a round cloud of noise becomes a ring and then gathers on eight small hills, all of them](pictures/06_ddpm/bc18b4fe-1-8813d051.webp)
#
# </details>

# %% [markdown]
# No game, no opponent, and no hill left out: every training point pulls at the loss by itself. That is what diffusion buys. The price is what takes the seconds in brackets: T calls of the network for one batch of samples, where a GAN needs one.
#
# ### `train` does the same
#
# The library's `train` is the loop that you just ran, written once for all lessons; diffusion is a game of one player. Let us see:

# %%
def five_steps(use_train: bool) -> Tensor:
    net = make_toy_net(seed=3)
    torch.manual_seed(0)
    if use_train:
        player = Player(
            "toy",
            lambda batch: ddpm_loss(net, batch["image"], toy.abar),
            torch.optim.Adam(net.parameters(), lr=5e-3),
        )
        moves = train([player], real_points(), 5, schedule=warm_down)
    else:
        moves = algorithm_1(net, 5)
    for _ in moves:
        pass
    return torch.cat([p.detach().flatten() for p in net.parameters()])


difference = (five_steps(True) - five_steps(False)).abs().max().item()
print("largest difference between the two below a millionth:", difference < 1e-6)


# %% [markdown]
# ## A network for images
#
# What denoises an image? Something that gives an image of the same size, sees fine detail *and* the whole, and knows t. The **U-Net** ([arXiv:1505.04597](https://arxiv.org/abs/1505.04597)): convolutions shrink the image to few pixels with many channels and stretch it again, and **bridges** carry each size over to the other side, so that no detail needs to squeeze through the middle.
# `course_lib/models/unet.py` holds it; at the paper's sizes it has 35.7 million parameters, with **attention** (every place may look at every other; lesson 07). Ours is small: the 28 x 28 pixels are folded into 14 x 14 blocks of four, then 14 and 7 pixels wide; no attention.
#
# In the toy world t came as one number among three. Among thousands of numbers it would drown, and the network must tell t = 3 from t = 4. So t is written as many waves, quick and slow ones, as the hands of a clock do:
#
# ### Exercise 4 · the time embedding
#
# *difficulty 2 of 5 · importance 3 of 5 · 5 minutes*
#
# d numbers for each t (d is even): first d/2 sines of t ω<sub>i</sub>, then d/2 cosines of the same, with the speeds ω<sub>i</sub> = 10000<sup>-i/(d/2-1)</sup> for i = 0, ..., d/2-1: from 1 down to 1/10000, both ends included. In radians. (The idea is from [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), section 3.5; these speeds are those of the DDPM authors' code.)
#
# <details><summary>Hint</summary>
#
# `t[:, None] * speed` is (b, d/2), an angle for each pair. `torch.cat([..., ...], dim=1)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-time-embedding", "locked": false, "schema_version": 3, "solution": true, "task": false}
def time_embedding(t: Int[Tensor, " b"], d: int) -> Float[Tensor, "b d"]:
    """Steps (b,) -> (b, d): d/2 sines and d/2 cosines, from the quickest wave to the slowest; d >= 4."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/time_embedding is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-time-embedding-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
time_embedding = check("ddpm/time_embedding", time_embedding)

# %% tags=["kept-picture"]
waves = time_embedding(torch.arange(0, 500), 64)
fig, ax = plt.subplots(figsize=(6.6, 2.3), layout="constrained")
ax.imshow(waves.T, aspect="auto", cmap="cividis", interpolation="nearest")
ax.set(xlabel="t", ylabel="sines, then cosines", yticks=[0, 31, 63])
show_figure(
    fig,
    alt="A heat map: 64 rows of waves over t; in each half the first rows flicker at every step, the last hardly change",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![A heat map: 64 rows of waves over t; in each half the first rows flicker at every step, the last hardly change](pictures/06_ddpm/59d4d130-1-d66a2b4a.webp)
#
# </details>

# %% [markdown]
# ## What should the network say?
#
# Any of three: the noise ε (the paper), the image x_0, or the **velocity** ([arXiv:2202.00512](https://arxiv.org/abs/2202.00512), appendix D)
#
# $$v = \sqrt{\bar\alpha_t}\;\epsilon - \sqrt{1-\bar\alpha_t}\;x_0.$$
#
# From x_t and any one of them the others follow, so it is the same model; but not the same training. At t ≈ T, x_t is all noise: ε is easy to say and of no use, and to get x_0 from it we divide by √ᾱ<sub>t</sub> ≈ 0, so a small error becomes a huge one. At t ≈ 0 it is x_0 that is easy and useless. v is never the easy one.
# With √ᾱ = cos φ and √(1-ᾱ) = sin φ, (x_0, ε) ↦ (x_t, v) is a **rotation** by φ. Rotate back:
#
# ### Exercise 5 · image and noise from v
#
# *difficulty 2 of 5 · importance 4 of 5 · 10 minutes*
#
# Solve the two equations, that of x_t and that of v, for x_0 and ε. Each image has its own t.
#
# <details><summary>Hint</summary>
#
# Multiply the first equation by √ᾱ, the second by √(1-ᾱ), and subtract: ε drops out, and the factors of x_0 add up to 1.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-velocity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split_velocity(
    xt: Float[Tensor, "b *d"], v: Float[Tensor, "b *d"], t: Int[Tensor, " b"], abar: Float[Tensor, " T1"]
) -> tuple[Float[Tensor, "b *d"], Float[Tensor, "b *d"]]:
    """(x0, eps) from x_t and v = sqrt(abar) eps - sqrt(1 - abar) x0."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/velocity is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-velocity-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
split_velocity = check("ddpm/velocity", split_velocity)

# %%
print("An error of 0.01 in what the network says is an error of x0 of")
for t in (1, 250, 500, 750, 990):
    a = cosine.abar[t]
    of_eps, of_v = 0.01 * ((1 - a) / a).sqrt(), 0.01 * (1 - a).sqrt()
    print(f"  {of_eps:7.4f} if it says eps, {of_v:.4f} if it says v     at t = {t:3} of 1000")


# %% [markdown]
# ## Draw before you train
#
# Your functions are all that a sampler needs, but for a trained network. The course has one: the same U-Net as the one below, trained as it is trained below on a CPU, for about four minutes (1.3 MB, in half precision). Your own training follows. Here your `time_embedding` tells it the time, your `split_velocity` reads the noise off what it says, and your `reverse_step` goes back. (Its chain has 500 steps; to be quick we take every fifth of its noise levels, which is a chain as well, with steps five times as large.)
# It is told a label, 0 to 9. **Predict** two rows: what it believes at the first step, when there is nothing but noise, and what is there at the end.

# %% tags=["kept-picture"]
class WithYourWaves(unet.UNet):
    """The library's U-Net, but your time embedding tells it t."""

    def embed(self, t: Tensor, label: Labels) -> Tensor:
        return F.silu(self.time(time_embedding(t, self.shape.widths[0])) + self.label(label + 1))


kept = load_pretrained("ddpm")
kept_net = place(fill(WithYourWaves(kept.nets["net"].shape), kept, "net"), device)
abar = cosine_schedule(kept.settings["times"]).abar[::5].to(device)  # every fifth noise level
torch.manual_seed(0)
xt, label, guesses = torch.randn(10, 1, 28, 28, device=device), torch.arange(10, device=device), []
for k in range(len(abar) - 1, 0, -1):
    with evaluating(kept_net), precision():
        v = kept_net(xt, all_at(5 * k, xt), label).float()
    x0, eps = split_velocity(xt, v, all_at(k, xt), abar)
    guesses.append(x0)
    xt = reverse_step(xt, k, eps, torch.randn_like(xt), abar)
show(
    torch.cat([guesses[0], xt]).clamp(-1, 1),
    alt="Two rows. Top: a grey, blurred digit for each label from 0 to 9. Bottom: ten sharp white digits, 0 to 9, each of another shape than the blurred one above it",
    columns=10,
    title="the first guess, and the end of the chain",
)
weights = sum(p.numel() for p in kept_net.parameters())
print(
    f"{weights:,} weights, {kept.record['processor_seconds']} processor seconds of training, "
    f"{kept.record['trained_on']:,} digits"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Two rows. Top: a grey, blurred digit for each label from 0 to 9. Bottom: ten sharp white digits, 0 to 9, each of another shape than the blurred one above it](pictures/06_ddpm/14a0f581-1-36b19bb4.webp)
#
# </details>

# %% [markdown]
# At first it can only believe in each label's average, for noise says nothing. A hundred steps later there are ten digits that nobody wrote, drawn by your own functions.
#
# ## Digits
#
# The same loss, on images, with the label told to the network. For one training image in ten the label is withheld (it gets "no label"): so one network learns both what digits look like and what *a 7* looks like, and below we will need both. Three things that pay, all known from earlier lessons: an **EMA** of the weights (their running average, lesson 02), a learning rate that rises for the first twentieth of the training and later falls (`warm_up_down`), and bfloat16, numbers of half the length, where the processor is quick at it.
#
# About four minutes of processor time. You see what the averaged network makes of the same noise, in ten quick steps, two of each digit. **How to read the curve.** It falls steeply, then crawls, and stays well above 0, as in the toy world. It says little about the pictures: they go on getting better while it seems to stand still.

# %% tags=["kept-picture"]
torch.manual_seed(1)
schedule = cosine_schedule(SETTINGS.chain_steps).to(device)
T = schedule.steps
net = place(unet.UNet(unet.DIGITS), device)
ema = EMA(net, SETTINGS.ema)
print(f"U-Net: {sum(p.numel() for p in net.parameters()):,} parameters; T = {T}")

noise = torch.randn(20, 1, 28, 28, device=device)
twice = torch.arange(20, device=device) // 2


def denoise_as(label: Labels, scale: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
    """The denoiser (x_t, t) -> x0 for these labels; `scale` is explained in the next section."""
    say = ema.net if scale == 1 else guided(ema.net, scale)
    return denoiser(say, schedule, label, prediction=V, precision=precision)


player = ddpm_player(net, schedule, SETTINGS.learning_rate, prediction=V, condition="label", drop=0.1)
run = train([player], batches.starting_at(0), SETTINGS.steps, schedule=warm_up_down, precision=precision)
began = time.process_time()
for step in watch(
    run,
    draw=lambda: sample_dpm_solver(denoise_as(twice), noise, schedule, min(10, T)),
    alt="The loss of the diffusion model, and digits drawn from the same noise, two of each class",
    columns=10,
):
    ema.update()  # your own code goes here, once a step
seconds_trained = time.process_time() - began
print(
    f"{seconds_trained:.0f} processor seconds, {SETTINGS.batch * (step.index + 1) / seconds_trained:.0f} images a second"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 4,500 steps (simple 0.1114); The loss of the diffusion model, and digits drawn from the same noise, two of each class, after 4,500 steps](pictures/06_ddpm/cefdcd4d-1-3b8a94f1.webp)
#
# </details>

# %% [markdown]
# The full chain, T steps, two digits of each class. Nobody ever wrote these. (About five seconds.)

# %% tags=["kept-picture"]
torch.manual_seed(2)
path: list[Point] = list(ancestral_path(denoise_as(twice), torch.randn_like(noise), schedule))
show(
    path[-1].xt[torch.arange(20, device=device).view(10, 2).T.flatten()],
    alt="Twenty digits drawn by the full chain, two of each from 0 to 9; most can be named, a few are broken",
    columns=10,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Twenty digits drawn by the full chain, two of each from 0 to 9; most can be named, a few are broken](pictures/06_ddpm/bd7bb16a-1-3ff95e0e.webp)
#
# </details>

# %% [markdown]
# Look at the way they came. Top: x_t. Bottom: what the network believes at that moment to be behind it, its guess of x_0. **Predict:** at which t is it decided *which* digit, at which *how it is written*?

# %%
def rows(*pictures: Images) -> Images:
    """Rows of images as one picture, twice as large: n images (n, 1, h, w) each."""
    whole = torch.cat([torch.cat(list(row), dim=2) for row in pictures], dim=1)[None]
    return F.interpolate(whole, scale_factor=2.0)


def on_the_way(t: int) -> Images:
    """x_t above the guess of x0, for the digits 0, 1, ..., 9."""
    point = path[T - 1 - min(t, T - 1)]
    return rows(point.xt[::2], point.x0[::2])


explore(
    on_the_way,
    t=(T - 1, 0, T // 2),
    alt="Ten noisy digits, and below each the network's guess of the clean one",
)


# %% [markdown]
# *Which* digit is decided before the first step, for the label says it; *how it is written* by about t = 200, and after that only grain is taken away.
#
# The guess begins as the fog of the naive try, one for each label, and sharpens as the noise goes. It is a one-jump denoiser all the time; only we never believe it more than one step.
#
# ## Guidance: ask louder
#
# The network says one thing with the label and another without. The difference is what the label adds: "more like a 7". **Classifier-free guidance** ([arXiv:2207.12598](https://arxiv.org/abs/2207.12598), eq. 6) goes further in that direction than the network itself would.
#
# ### Exercise 6 · guidance
#
# *difficulty 1 of 5 · importance 4 of 5 · 3 minutes*
#
# Start at the guess without the label and go `scale` times the way to the guess with it: scale 0 ignores the label, 1 is the guess with the label as it is, above 1 goes beyond. (The paper counts from there, w = scale - 1; most code counts as we do.)
#
# <details><summary>Hint</summary>
#
# A point on the straight line through two others: `a + s * (b - a)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-guidance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def guide(
    without: Float[Tensor, "b *d"], with_label: Float[Tensor, "b *d"], scale: float
) -> Float[Tensor, "b *d"]:
    """The guided guess, from what the network says without the label and with it."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/guidance is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-guidance-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
guide = check("ddpm/guidance", guide)


# %%
def my_denoiser(label: Labels, scale: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The whole denoiser, of functions that you wrote: two opinions, guided, and x0 read off v."""

    def denoise(xt: Tensor, t: Tensor) -> Tensor:
        with evaluating(ema.net), precision():
            with_label, without = ema.net(xt, t, label), ema.net(xt, t, no_label(label))
        x0, _ = split_velocity(xt, guide(without.float(), with_label.float(), scale), t, schedule.abar)
        return x0.clamp(-1, 1)

    return denoise


t = all_at(T // 2, noise)
difference = (my_denoiser(twice, 2.0)(noise, t) - denoise_as(twice, 2.0)(noise, t)).abs().mean().item()
print(f"your denoiser and the library's differ by {difference:.4f} on average, of a range of 2")


# %% [markdown]
# One noise for each column, ten labels, and the scale under your hand. **Predict** what is lost when the scale is very large.

# %% tags=["kept-picture"]
def ask(scale: float, noise_number: int) -> Images:
    """The digits 0 to 9 at a guidance scale, from one and the same noise each."""
    g = torch.Generator().manual_seed(noise_number)
    label = torch.arange(10, device=device)
    xT = torch.randn(10, 1, 28, 28, generator=g).to(device)
    drawn = sample_dpm_solver(denoise_as(label, scale), xT, schedule, SETTINGS.quick_steps)
    return rows(drawn)


explore(
    ask,
    scale=(0.0, 7.0, 2.0),
    noise_number=(0, 20, 3),
    alt="The digits 0 to 9 asked for at a guidance scale",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![The digits 0 to 9 asked for at a guidance scale; for scale = 0, 1, 2, 3, 4, 5, 6, 7](pictures/06_ddpm/2eda96e2-1-fe566b2a.webp)
#
# </details>

# %% [markdown]
# At scale 0 the label is not heard: any digit, or none. At 1 it is, mostly. Then the digits become clearer, and bolder, and more and more alike: guidance trades **variety** for **obedience**. How much of each? Below, in numbers.
#
# ## Fewer steps
#
# T calls of the network are many. The trained network does not care which times it is asked about, so why not leap? **DDIM** ([arXiv:2010.02502](https://arxiv.org/abs/2010.02502), eq. 12 and 16) goes from any t to any s < t: take the guess of x_0, and put back noise for time s; a part of it the noise that was in x_t, a part fresh:
#
# $$x_s = \sqrt{\bar\alpha_s}\; x_0 + \sqrt{1-\bar\alpha_s-\sigma^2}\;\epsilon + \sigma z, \qquad \sigma = \eta\, \sqrt{\frac{1-\bar\alpha_s}{1-\bar\alpha_t}}\,\sqrt{1-\frac{\bar\alpha_t}{\bar\alpha_s}}, \qquad \epsilon = \frac{x_t - \sqrt{\bar\alpha_t}\, x_0}{\sqrt{1-\bar\alpha_t}}$$
#
# η = 1 with s = t - 1 is the chain that you know, with the variance β̃<sub>t</sub> of eq. 7. η = 0 draws no noise at all: the same start gives the same image, always.
#
# ### Exercise 7 · a DDIM step
#
# *difficulty 4 of 5 · importance 4 of 5 · 15 minutes*
#
# From x_t and the guess x0, with `abar_t` and `abar_s` as scalars (tensors without axes). The fresh noise is handed in.
#
# <details><summary>Hint</summary>
#
# Three lines: eps, sigma, and the sum. sigma stands in two places: what fresh noise adds, the old noise gives up.
# </details>

# %% nbgrader={"grade": false, "grade_id": "ddpm-ddim-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ddim_step(
    xt: Float[Tensor, "b *d"],
    x0: Float[Tensor, "b *d"],
    abar_t: Float[Tensor, ""],
    abar_s: Float[Tensor, ""],
    eta: float,
    noise: Float[Tensor, "b *d"],
) -> Float[Tensor, "b *d"]:
    """x_s from x_t and the guess x0; eta = 0 adds no noise, eta = 1 as much as the posterior."""
    # YOUR CODE HERE
    raise NotImplementedError("ddpm/ddim_step is yours to write")


# %% nbgrader={"grade": true, "grade_id": "ddpm-ddim-step-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
ddim_step = check("ddpm/ddim_step", ddim_step)


# %%
def my_ddim(denoise: Callable, xT: Images, steps: int, eta: float = 0.0) -> Images:
    """DDIM in `steps` leaps of equal length from T to 0."""
    xt = xT
    for t, s in pairwise(spread_times(T, steps)):
        x0 = denoise(xt, all_at(t, xt))
        xt = ddim_step(xt, x0, schedule.abar[t], schedule.abar[s], eta, torch.randn_like(xt))
    return xt


yours = my_ddim(denoise_as(twice), noise, SETTINGS.quick_steps)
library = sample_ddim(denoise_as(twice), noise, schedule, SETTINGS.quick_steps)
print(f"your sampler and the library's differ by at most {(yours - library).abs().max():.6f}")

# %% [markdown]
# Without fresh noise a sample is the end of a smooth curve, and whoever knows that curves are smooth can take longer strides on it. **DPM-Solver++(2M)** ([arXiv:2211.01095](https://arxiv.org/abs/2211.01095), Algorithm 2) draws a straight line through the last *two* guesses of x_0 instead of a constant through one. It is this course's default. Its sister **SDE-DPM-Solver++** (same paper) takes the same long strides and draws fresh noise at each, as the chain does: what a stride got wrong, the noise forgets.
#
# The full chain against the leapers, from the same labels, each scored by **FID** (lesson 00: 0 is perfect). So few samples make every FID too large; what counts is the comparison, and the ± that goes with it. **Predict:** how many steps are enough? (About two minutes, most of it the full chain.)

# %%
real, _ = digits_extractor(device)(x_test[:5000])
chance, _ = digits_extractor(device)(from_uint8(train_set["image"][: SETTINGS.compared]))
wanted = torch.arange(SETTINGS.compared, device=device) % 10


def timed(sampler: Callable, scale: float = 2.0) -> tuple[Images, float]:
    """Samples for `wanted`, the same start for every sampler, and the processor seconds they took."""
    torch.manual_seed(4)
    began, parts = time.process_time(), []
    for label in wanted.split(250):
        xT = torch.randn(len(label), 1, 28, 28, device=device)
        parts.append(sampler(denoise_as(label, scale), xT, schedule))
    return torch.cat(parts), time.process_time() - began


samplers = {f"full chain, {T} steps": sample_ddpm}
samplers |= {f"DDIM, {n} steps": partial(sample_ddim, steps=n) for n in (20, 50) if n <= T}
samplers |= {
    f"DPM-Solver++, {n} steps": partial(sample_dpm_solver, steps=n) for n in (1, 2, 5, 10, 20) if n <= T
}
leaps = SETTINGS.quick_steps
samplers[f"SDE-DPM-Solver++, {leaps} steps"] = partial(sample_dpm_solver, steps=leaps, fresh=True)
fids, strips, lines = (
    {},
    {},
    ["| sampler | FID | processor seconds | times as quick |", "|---|---:|---:|---:|"],
)
for name, sampler in samplers.items():
    drawn, spent = timed(sampler)
    chain_seconds = spent if sampler is sample_ddpm else chain_seconds
    fids[name] = frechet_with_error(digits_extractor(device)(drawn)[0], real)
    strips[name] = drawn[:10]
    lines.append(f"| {name} | {fids[name]} | {spent:.1f} | {chain_seconds / spent:.0f} |")
lines.append(f"| real digits, as many | {frechet_distance(chance, real):.1f} | | |")
display(Markdown("\n".join(lines)))

# %% tags=["kept-picture"]
for name in [name for name in strips if "DDIM" not in name]:
    show(strips[name], alt=f"The digits 0 to 9 by the sampler: {name}", columns=10, title=name)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![The digits 0 to 9 by the sampler: full chain, 500 steps](pictures/06_ddpm/338966c9-1-0d5e6418.webp)
#
# ![The digits 0 to 9 by the sampler: DPM-Solver++, 1 steps](pictures/06_ddpm/338966c9-2-baac10e9.webp)
#
# ![The digits 0 to 9 by the sampler: DPM-Solver++, 2 steps](pictures/06_ddpm/338966c9-3-17dc4b9f.webp)
#
# ![The digits 0 to 9 by the sampler: DPM-Solver++, 5 steps](pictures/06_ddpm/338966c9-4-c8e4c9d3.webp)
#
# ![The digits 0 to 9 by the sampler: DPM-Solver++, 10 steps](pictures/06_ddpm/338966c9-5-40f07c45.webp)
#
# ![The digits 0 to 9 by the sampler: DPM-Solver++, 20 steps](pictures/06_ddpm/338966c9-6-7f9526ee.webp)
#
# ![The digits 0 to 9 by the sampler: SDE-DPM-Solver++, 20 steps](pictures/06_ddpm/338966c9-7-0ffc02c4.webp)
#
# </details>

# %% [markdown]
# In the run kept here twenty steps of either solver took 3.5 processor seconds where the full chain took 92: 26 times as quick. With 250 digits of each the ± is about 12, too wide to tell them apart, and 250 *real* digits get 19.9. More digits do tell them apart. Measured beforehand, with the course's weights, without guidance, 3,000 digits of each against 10,000 real ones:
#
# | sampler | FID | less the chain's | times as quick |
# |---|---:|---:|---:|
# | full chain, 500 steps | 13.0 ± 1.2 | | 1 |
# | SDE-DPM-Solver++, 20 steps | 12.4 ± 1.1 | -0.7 ± 1.6 | 25 |
# | DPM-Solver++, 20 steps | 20.4 ± 1.1 | 7.4 ± 1.6 | 25 |
# | DPM-Solver++, 10 steps | 21.6 ± 1.1 | 8.6 ± 1.7 | 51 |
# | DDIM, 50 steps | 20.8 ± 1.1 | 7.8 ± 1.6 | 10 |
#
# **So twenty steps are enough, if they draw fresh noise**: what a stride got wrong is washed away by it. Without, more strides do not help, and ten do nearly as well as fifty; two are visibly too few, and one is the naive try again: of each label the average.
# What the samplers without fresh noise have instead: the same start always gives the same image. So their samples are the same digits, drawn with more or less care, and one can compare, edit, and move a slider. That is why they stay the default here. The chain's digits are others.
#
# ## One network, many uses
#
# The network has learnt one thing: what clean digits look like behind noise. Three uses that it was never trained for; the pictures are from the test set.
#
# **Denoise.** A picture with noise of a known strength *is* an x_t: find its t, and start there. One step gives the average of all clean pictures that may be behind it (the highest **PSNR**: the squared error in decibels, where more is nearer); many steps give one sharp picture that may be it. **Predict** which you would rather show to a customer, and which to a judge.

# %% tags=["kept-picture"]
torch.manual_seed(5)
clean, label = x_test[:12], no_label(y_test[:12])  # the network is not told which digit it is
noisy = clean + 0.8 * torch.randn_like(clean)
once = editing.denoise(denoise_as(label), noisy, 0.8, schedule, steps=1)
often = editing.denoise(denoise_as(label), noisy, 0.8, schedule, steps=SETTINGS.quick_steps, eta=1.0)
show(
    torch.cat([noisy.clamp(-1, 1), once, often, clean]),
    alt="Four rows: noisy digits; cleaned in one step, a little soft; cleaned in many steps, sharp; the truth",
    columns=12,
)
for name, x in {
    "noisy": noisy.clamp(-1, 1),
    "one step": once.clamp(-1, 1),
    "many steps": often.clamp(-1, 1),
}.items():
    print(f"{name:>10}: PSNR {psnr(x, clean).mean():.1f} dB")

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows: noisy digits; cleaned in one step, a little soft; cleaned in many steps, sharp; the truth](pictures/06_ddpm/c50628d6-1-60df40ad.webp)
#
# </details>

# %% [markdown]
# In one step 22.7 dB, in many 19.9: where the noise hid the strokes, the sharp ones are an invention. The judge should get the soft picture.
#
# **Complete** (inpainting, RePaint, [arXiv:2201.09865](https://arxiv.org/abs/2201.09865)). At every step the known pixels are put back, with the right noise; the network imagines the rest so that it fits. Here the lower half is unknown, and the network is not told the label. **Predict** for which digits it cannot know.

# %% tags=["kept-picture"]
torch.manual_seed(6)
known = torch.zeros(1, 1, 28, 28, device=device)
known[..., :14, :] = 1
halves = torch.where(known.bool(), clean, torch.tensor(-0.5, device=device))
completed = [
    editing.inpaint(denoise_as(label), clean, known, schedule, steps=SETTINGS.quick_steps, repeats=3)
    for _ in range(3)
]
show(
    torch.cat([halves, *completed, clean]),
    alt="Top: twelve digits whose lower half is grey. Below three completions of each, which join on to the upper half; some differ in the digit, a few are none. Bottom: the truth",
    columns=12,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: twelve digits whose lower half is grey. Below three completions of each, which join on to the upper half; some differ in the digit, a few are none. Bottom: the truth](pictures/06_ddpm/f566f020-1-2c22785b.webp)
#
# </details>

# %% [markdown]
# The 9 and the thick 3 come back each time. The upper half of the first 0 becomes three different things, that of the last 6 once a 5.
#
# **Redraw** (image-to-image, SDEdit, [arXiv:2108.01073](https://arxiv.org/abs/2108.01073)). Add noise up to some t, then come back *as another digit*. A little noise keeps the picture; much forgets it; between, slant and thickness stay and the digit changes. Slide.

# %% tags=["kept-picture"]
def redraw(strength: float, into: int) -> Images:
    """Four test digits above what becomes of them."""
    label = torch.full((4,), into, device=device)
    g = torch.Generator().manual_seed(0)
    start = torch.randn(4, 1, 28, 28, generator=g).to(device)
    changed = editing.image_to_image(
        denoise_as(label, 2.0), x_test[:4], max(strength, 1 / T), schedule, SETTINGS.quick_steps, start
    )
    return rows(x_test[:4], changed)


explore(
    redraw,
    strength=(0.0, 1.0, 0.6),
    into=(0, 9, 3),
    alt="Four digits, and below each what noise of this strength and the wish for a 3 make of it",
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four digits, and below each what noise of this strength and the wish for a 3 make of it; for strength = 0, 0.143, 0.286, 0.429, 0.571, 0.714, 0.857, 1](pictures/06_ddpm/2c795fe3-1-fb55324f.webp)
#
# </details>

# %% [markdown]
# ## Break it on purpose
#
# ### Too few steps
#
# You have seen it in the table: the FID is 35 with 20 steps, 77.2 with 2 and 456.7 with 1. The first guesses of x_0, averages all of them, are believed too much.
#
# ### A schedule that never reaches noise
#
# Sampling begins with N(0, I) because x_T *is* N(0, I), nearly. If the schedule stops early, it is not: x_T still holds a faint image, and we start from something that the network has never seen. Digits, for instance, are mostly black: their average is far from 0, and so is that of an x_T with some image left.
# One switch: the time that we pretend pure noise to be of. First in the toy world, moved off the centre as digits are, with the *perfect* guess, so that nothing else can be to blame. **Predict** on which side of the truth the samples will lie.

# %% tags=["kept-picture"]
away = torch.tensor([2.0, 0.0])
moved = Mixture(truth.means + away, truth.std, truth.shares)


def best_guess_moved(xt: Tensor, t: Tensor) -> Tensor:
    abar_t = toy.abar[t][:, None]
    return -(1 - abar_t).sqrt() * moved.score(xt, abar_t)


broken = {"real": ring.sample(SETTINGS.toy_points) + away}
for share in (1.0, 0.75, 0.5, 0.3):
    abar = toy.abar[: max(3, round(share * T_toy)) + 1]
    for _, points in algorithm_2(best_guess_moved, SETTINGS.toy_points, abar):
        pass
    broken[f"{abar[-1].sqrt():.0%} image in x_T"] = points
for name, points in broken.items():
    print(f"{name:>18}: average {points[:, 0].mean():4.2f} to the right, {numbers(points - away)}")
fig, axes = plt.subplots(1, len(broken), figsize=(1.85 * len(broken), 2.1), layout="constrained")
for ax, (title, points) in zip(axes, broken.items(), strict=True):
    ax.scatter(*points[:800].T, s=1.5, c="#d55e00", alpha=0.6)
    ax.set(xlim=(-0.5, 4.5), ylim=(-2.5, 2.5), aspect="equal", xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
show_figure(
    fig,
    alt="Five pictures: the real ring of eight hills; the same from noise; and, the more image is left in x_T, the fewer points on "
    "the hills that lie far from the middle of the noise",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Five pictures: the real ring of eight hills; the same from noise; and, the more image is left in x_T, the fewer points on the hills that lie far from the middle of the noise](pictures/06_ddpm/7c426178-1-965a9df2.webp)
#
# </details>

# %% [markdown]
# On the side of the noise: the more image x_T should hold and does not, the nearer the average comes to the middle of the noise (0.89 to the right instead of 2.03), and the far hills go empty, although every guess is perfect.
#
# Then on digits, with the network that we have: pure noise, taken for an x_t of an earlier time.

# %% tags=["kept-picture"]
def late_start(denoise: Callable, xT: Images, schedule, *, share: float) -> Images:
    t = round(share * T)
    return sample_dpm_solver(denoise, xT, schedule, min(SETTINGS.quick_steps, t), start=t)


for share in (0.75, 0.5):
    drawn, _ = timed(partial(late_start, share=share))
    fid = frechet_with_error(digits_extractor(device)(drawn)[0], real)
    factor = schedule.abar[round(share * T)].sqrt()
    print(f"start at {share:.0%} of the way, where the image's factor should be {factor:.2f}: FID {fid}")
    show(
        drawn[:10],
        alt=(
            "Digits with far too many white strokes, only some of which can be named"
            if share > 0.6
            else "Thick white scribbles in place of the digits 0 to 9"
        )
        + f", sampled from noise as if it were x_t at {share:.0%} of the way",
        columns=10,
        title=f"start at {share:.0%}",
    )


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Digits with far too many white strokes, only some of which can be named, sampled from noise as if it were x_t at 75% of the way](pictures/06_ddpm/507d5b97-1-6637753c.webp)
#
# ![Thick white scribbles in place of the digits 0 to 9, sampled from noise as if it were x_t at 50% of the way](pictures/06_ddpm/507d5b97-2-a85e52db.webp)
#
# </details>

# %% [markdown]
# The right start has an FID of 35, these have 218 and 1,371: pure noise is grey on average and digits are mostly black, so far too much white is left.
#
# ### The wrong index
#
# The commonest bug of all: an array that begins with t = 1 meets code that begins with t = 0. One switch: the sampler tells the network the time it *goes to* instead of the one it *is at*. In the full chain that is one step of many, and nobody notices. In twenty leaps it is much. **Predict** what the pictures look like if the network believes that there is less noise than there is.

# %% tags=["kept-picture"]
def shifted(denoise: Callable, xT: Images, schedule, *, steps: int) -> Images:
    xt = xT
    for t, s in pairwise(spread_times(T, steps)):
        x0 = denoise(xt, all_at(max(s, 1), xt))  # s: where it goes to; it should be t, where it is
        xt = ddim_step(xt, x0, schedule.abar[t], schedule.abar[s], 0.0, torch.zeros_like(xt))
    return xt


for steps in [steps for steps in (50, 20) if steps <= T]:
    found = {}
    for name, sampler in {"right": sample_ddim, "one step off": shifted}.items():
        drawn, _ = timed(partial(sampler, steps=steps), scale=1.0)
        found[name] = frechet_with_error(digits_extractor(device)(drawn)[0], real)
    print(f"{steps} steps of DDIM: right {found['right']}, one step off {found['one step off']}")
    show(
        drawn[:10],
        alt=f"The digits 0 to 9 drawn in {steps} steps with the time told one step off: a veil of noise is left on them",
        columns=10,
        title=f"{steps} steps, one step off",
    )


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![The digits 0 to 9 drawn in 50 steps with the time told one step off: a veil of noise is left on them](pictures/06_ddpm/0602578e-1-466c7b28.webp)
#
# ![The digits 0 to 9 drawn in 20 steps with the time told one step off: a veil of noise is left on them](pictures/06_ddpm/0602578e-2-6a2932ab.webp)
#
# </details>

# %% [markdown]
# A grain of noise stays on the digits, and the FID goes from 28.6 to 39.1 (50 steps) and from 30.0 to 81.1 (20 steps), here without guidance. No error, no warning, and a loss that never knew. That is why every table of this course has T + 1 entries and abar[0] = 1: then there is no index to shift. And why a sampler is tested with a denoiser that is exactly known.
#
# ## Measure it
#
# What guidance does, in numbers. **Accuracy**: how often a digit classifier reads the digit that was asked for. FID, **precision** (how many samples look real) and **recall** (how much of the real variety is there) as in lesson 01; 20 steps of DPM-Solver++. **Predict** which scale has the best FID, and which the best accuracy. (About 45 seconds.)

# %%
def draw(n: int, scale: float) -> tuple[Labels, Images]:
    torch.manual_seed(7)
    label = torch.arange(n, device=device) % 10
    parts = []
    for part in label.split(250):
        xT = torch.randn(len(part), 1, 28, 28, device=device)
        parts.append(sample_dpm_solver(denoise_as(part, scale), xT, schedule, SETTINGS.quick_steps))
    return label, torch.cat(parts)


scores, drawn_at = {}, {}
for scale in (1.0, 2.0, 4.0):
    began = time.process_time()
    label, drawn_at[scale] = draw(SETTINGS.scored, scale)
    spent = time.process_time() - began
    accuracy = conditional_accuracy(drawn_at[scale], label, digits_extractor(device))
    scores[f"guidance {scale}"] = evaluate(drawn_at[scale], reference="digits")
    print(
        f"guidance {scale}: accuracy {accuracy}, {1000 * spent / SETTINGS.scored:.0f} processor ms a sample"
    )
display(Markdown(score_table(scores)))
print(
    f"U-Net: {sum(p.numel() for p in net.parameters()):,} parameters, {seconds_trained:.0f} processor seconds of training"
)

# %% tags=["kept-picture"]
show(
    drawn_at[2.0][:100].view(10, 10, 1, 28, 28).transpose(0, 1).flatten(0, 1)
    if SETTINGS.scored >= 100
    else drawn_at[2.0],
    alt="A hundred digits at guidance 2, a row for each class from 0 to 9; in each row ten different hands",
    columns=10,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![A hundred digits at guidance 2, a row for each class from 0 to 9; in each row ten different hands](pictures/06_ddpm/06aee8c3-1-c965e9f2.webp)
#
# </details>

# %% [markdown]
# In the run kept here:
#
# * **Guidance 1**, the network as it is: accuracy 93.5 %, FID 29.7 ("real v real": 17.40), precision 0.727, recall 0.858. It has trained for less than four minutes; its idea of a label is still vague, but its variety is the largest.
# * **Guidance 2**: accuracy 99.9 %, FID 30.8 (± 5.6 and ± 7.2). Precision rises to 0.874, recall falls to 0.657: the one is paid for with the other.
# * **Guidance 4**: accuracy 100.0 %, but the FID is 86.3 and recall 0.323. Obedient and monotonous.
#
# FID∞, the distance to expect of endless samples, does not depend on their number, so it can be held against the kept runs of earlier lessons: the VAE of lesson 02 had 210, its GAN 78, this model at guidance 2 has 20. (Those were not told labels. The conditional GAN of lesson 04 was, and has 13.) The price: twenty network calls, forty with guidance, where they need one.
#
# Is it inventing, or did it learn its training images by heart? Under each sample: the training image nearest to it, pixel by pixel. And a number: digits of the *test* set, which nobody has learnt, have nearest training images too. A copying machine would be much nearer than they are.

# %% tags=["kept-picture"]
invented, unseen = drawn_at[1.0][:200].cpu(), from_uint8(test_set["image"][:200])
closest = nearest_images(invented, train_set["image"])
show(
    torch.cat([invented[:12], from_uint8(train_set["image"][closest.index[:12, 0]])]),
    alt="Top: twelve samples. Bottom: the training image nearest to each; alike in shape, never the same",
    columns=12,
)
calm = nearest_images(unseen, train_set["image"]).distance.median()
print(
    f"median distance to the nearest training image: samples {closest.distance.median():.2f}, unseen real digits {calm:.2f}"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: twelve samples. Bottom: the training image nearest to each; alike in shape, never the same](pictures/06_ddpm/ce1d49f7-1-081ed745.webp)
#
# </details>

# %% [markdown]
# Samples lie no nearer to the training images (10.06) than unseen digits do (9.18): this is no copying machine.
#
# ## What to take away
#
# * Noise is added by a formula, in one move (eq. 4). Only the way back is learnt, by a plain squared error: no game, no balance, nothing collapses.
# * The best guess of the noise is an average, and its loss is not 0. One jump to it is a blur; many small steps are a sample.
# * Guessing the noise, the image, the velocity and the score is one and the same thing.
# * The chain may leap. With a good solver and fresh noise twenty steps do what hundreds did, at a twentieth of the price.
# * Guidance trades variety for obedience. Denoising, completing and redrawing need no further training.
# * Count from x_0: abar[0] = 1, and no index is shifted.
#
# **To think over.** (1) Why may L_simple not fall to 0, and what would it mean if it did? (2) At t = T the guess of x_0 is the same blot for every noise. Where, then, does the variety of the samples come from with η = 0? (3) A friend trains with the linear schedule and T = 100 and the same β from 0.0001 to 0.02. What do you ask about ᾱ<sub>T</sub>? (4) Guidance at scale 5 raises the accuracy and the FID. How can both be?
#
# **What can go wrong in the world.** A diffusion model can learn rare training images by heart and give them back ([arXiv:2301.13188](https://arxiv.org/abs/2301.13188)): measure nearest neighbours before you publish one trained on people's pictures. "Denoise" and "complete" *invent*: three completions of one half-seen digit are three different digits, and so would be three faces behind a blur. Never use one as evidence. And image-to-image makes forgeries as easily as art.
#
# **References.** Ho, Jain and Abbeel 2020, arXiv:2006.11239 · Sohl-Dickstein et al. 2015 (where it began), arXiv:1503.03585 · Song et al. 2021 (scores), arXiv:2011.13456 · Song, Meng and Ermon 2021 (DDIM), arXiv:2010.02502 · Nichol and Dhariwal 2021 (cosine schedule), arXiv:2102.09672 · Salimans and Ho 2022 (velocity), arXiv:2202.00512 · Ho and Salimans 2022 (guidance), arXiv:2207.12598 ·
# Lu et al. 2022 (DPM-Solver++), arXiv:2211.01095 · Meng et al. 2022 (SDEdit), arXiv:2108.01073 · Lugmayr et al. 2022 (RePaint), arXiv:2201.09865 · Lin et al. 2024 (schedules that never reach noise), arXiv:2305.08891 · Ronneberger, Fischer and Brox 2015 (U-Net), arXiv:1505.04597 · Vaswani et al. 2017 (waves for positions), arXiv:1706.03762 · Carlini et al. 2023 (memorising), arXiv:2301.13188.
