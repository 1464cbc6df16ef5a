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
# # 08 · The bake-off
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/08_bakeoff.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/08_bakeoff.ipynb)
#
# | | |
# |---|---|
# | **You will build** | a scoreboard for every model of this course that can tell skill from luck, and a list of what each score does not see |
# | **You should know** | what FID is for (lesson 00), and one or two of the models |
# | **Time** | about 60 minutes of yours. The computer needs about 7 minutes on 2 CPU cores (the trainings, measured: 350 processor seconds), about as long on a T4-class GPU, which trains on far more images in that time (estimated) |
# | **Paper** | Kynkäänniemi et al., *Improved Precision and Recall Metric for Assessing Generative Models*, [arXiv:1904.06991](https://arxiv.org/abs/1904.06991); Lucic et al., *Are GANs Created Equal?*, [arXiv:1711.10337](https://arxiv.org/abs/1711.10337) |
#
# Every lesson so far ended with a row of numbers. Here the rows meet: all models, the same digits, the same seconds, one judge. You write four
# small functions that decide what such a table allows you to say. The course's founding study asked whether a VAE or a GAN is the better choice after 1, 5, 10 and 50 epochs. You will answer it.

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
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown, display
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.device import fast_precision, pick_device, pick_tier
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import evaluate, named_reference, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.neighbours import nearest_images
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show, show_figure
from course_lib.recipes.bakeoff import BakeOff
from course_lib.recipes.recipe import Model
from course_lib.recipes.run import Length, open_run
from course_lib.recipes.sample import drawer_of
from course_lib.recipes.table import RECIPES, find_recipe
from course_lib.recipes.worlds import find_world
from course_lib.training.ema import EMA
from course_lib.training.loop import Step, cpu_seconds, train, warm_down
from course_lib.types import Images


@dataclass(frozen=True)
class Settings:
    trainings: int = 4  # of one and the same model, with other seeds
    training_seconds: float = 6.0  # processor seconds of each
    seconds: float = 15.0  # of training for each model on the board
    scored: int = 2_000  # samples behind each number
    epoch: int = 2_000  # images that are called an epoch in the study
    epochs: tuple[int, ...] = (1, 5, 10, 50)


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(trainings=2, training_seconds=0.2, seconds=0.2, scored=200, epoch=128, epochs=(1, 2)),
    "cpu": Settings(),
    "gpu": Settings(training_seconds=15.0, seconds=40.0, scored=5_000, epoch=60_000),
}[TIER]
device, precision = pick_device(), fast_precision()
DIGITS, FACES = find_world("digits"), find_world("faces")
digit_set = DIGITS.load()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## The naive table
#
# Train a GAN of lesson 02 a few times. Nothing differs but the seed: the start of the weights, the order of the images, the codes. Score each training
# and make a table, as papers do. **Predict:** by how much will the best and the worst of these *equal* models differ? By more than their ±?
#
# Time on 2 cores: about 30 s.


# %%
def trained(name: str, seed: int, seconds: float) -> Callable[[int], Images]:
    """A sampler of that model, trained on the digits for so many processor seconds."""
    torch.manual_seed(seed)
    model = find_recipe(name).build(DIGITS)
    ema = EMA(model.nets[model.sampled], model.ema)
    batches = Batches(digit_set, model.batch, seed=seed, device=device)
    for _ in train(
        model.players, batches, cpu_seconds(seconds), schedule=model.schedule, precision=precision
    ):
        ema.update()
    return lambda n: model.sample(ema.net, n, None)


began = time.process_time()
twins = {
    f"GAN, seed {seed}": evaluate(
        trained("gan", seed, SETTINGS.training_seconds), reference="digits", n=SETTINGS.scored
    )
    for seed in range(SETTINGS.trainings)
}
display(Markdown(score_table(twins)))
twin_fid = torch.tensor([score.fid.value for score in twins.values()])
twin_error = torch.tensor([score.fid.error for score in twins.values()])
print(
    f"best {twin_fid.min():.0f}, worst {twin_fid.max():.0f}; the ± of one row is about {twin_error.mean():.0f}"
)
print(f"{time.process_time() - began:.0f} processor seconds")

# %% [markdown]
# The table crowns a winner among equals. Its ± is honest about one thing only: that another *set of samples* of the same trained network would score
# a little differently. It knows nothing of another *training*. Whoever compares two models by one training each, and many papers do, compares seeds.
#
# The other columns, for later:
#
# * **FID∞**: FID carried on to endless samples (lesson 00).
# * **KID** ([arXiv:1801.01401](https://arxiv.org/abs/1801.01401)): another distance of the two clouds of features, from all pairs of images instead of two Gaussians. Few samples do not bias it: perfect ones get 0 on average, and so sometimes a little less.
# * **IS**, the Inception Score ([arXiv:1606.03498](https://arxiv.org/abs/1606.03498)): high if the classifier is sure of every sample *and* all classes occur; at most 10 with ten of them. It never looks at a real image.
# * **Precision** and **recall**: how many samples look real, how much of the real variety is there. You write them below.
# * **Density** and **coverage** ([arXiv:2002.09797](https://arxiv.org/abs/2002.09797)), their sterner sisters: in how many balls around real images a sample lies (about 1 is usual), and the share of those balls that hold a sample.
# * **ms/image**: the time to draw one.
#
# ### Exercise 1 · the mean of several trainings
#
# *difficulty 1 of 5 · importance 5 of 5 · 5 minutes*
#
# Given the scores of r trainings, return their mean and the **standard error of that mean**: how far it would typically lie from the mean of endlessly many trainings.
# The spread s of the scores is
#
# $$s^2 = \frac{1}{r - 1} \sum_i (x_i - \bar x)^2, \qquad \text{and the mean of } r \text{ of them has the error } \frac{s}{\sqrt r}.$$
#
# <details><summary>Hint</summary>
#
# `scores.std()` divides by r - 1 already.
# </details>


# %% nbgrader={"grade": false, "grade_id": "bakeoff-error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_and_error(scores: Float[Tensor, " r"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The mean of the scores of r >= 2 trainings, and its standard error; both scalars."""
    ### BEGIN SOLUTION
    return scores.mean(), scores.std() / len(scores) ** 0.5
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bakeoff-error-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
mean_and_error = check("bakeoff/error", mean_and_error)

# %%
mean, error = mean_and_error(twin_fid)
print(
    f"this GAN after {SETTINGS.training_seconds:g} s: FID {mean:.0f} ± {error:.0f} over {SETTINGS.trainings} trainings"
)

# %% [markdown]
# ### Exercise 2 · places, not ranks
#
# *difficulty 3 of 5 · importance 4 of 5 · 10 minutes*
#
# Models i and j have distances d_i and d_j (small is good) with standard errors e_i and e_j. If the two were measured independently, the difference d_i - d_j has the error √(e_i² + e_j²).
# Call j **clearly better** than i if d_i - d_j > 1.96 √(e_i² + e_j²): luck alone does that in 1 of 40 comparisons of equals.
# The **place** of a model is 1 + the number of models that are clearly better. Models that cannot be told apart then share a place.
#
# <details><summary>Hint</summary>
#
# `distance[:, None] - distance[None, :]` is a table: row i, column j holds d_i - d_j. Make the table of doubts in the same way, compare, and add up each row.
# </details>


# %% nbgrader={"grade": false, "grade_id": "bakeoff-places", "locked": false, "schema_version": 3, "solution": true, "task": false}
def places(distance: Float[Tensor, " m"], error: Float[Tensor, " m"]) -> Int[Tensor, " m"]:
    """1 + the number of models that are clearly better, for each of m models."""
    ### BEGIN SOLUTION
    ahead = distance[:, None] - distance[None, :]
    doubt = 1.96 * (error[:, None] ** 2 + error[None, :] ** 2).sqrt()
    return 1 + (ahead > doubt).sum(dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bakeoff-places-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
places = check("bakeoff/places", places)

# %%
spread = torch.full_like(twin_fid, twin_fid.std().item())
print("places of the equal GANs, with the ± of their samples:   ", places(twin_fid, twin_error).tolist())
print("places with the spread of trainings as the error of each:", places(twin_fid, spread).tolist())

# %% [markdown]
# ## The board
#
# Now every model of the course that draws digits, each trained for the same processor seconds on the same images, each with the settings of its lesson.
# Only the latent model has a head start: its autoencoder was trained before, and the line under the table says for how long.
# A model that is still learning is cut off like all others: this is a table about *this* budget. `course bakeoff --cpu-seconds 600 --out runs/longer` makes it for another one.
# **Predict** the first and the last place, and the slowest sampler.
#
# Time on 2 cores: about 4 minutes.

# %% tags=["kept-picture"]
FOLDER = Path("runs/08_bakeoff") if TIER != "smoke" else Path(tempfile.mkdtemp())  # delete it to train anew
length = Length("cpu-seconds", SETTINGS.seconds)
board = BakeOff(DIGITS, length, SETTINGS.scored, seed=0, out=FOLDER)
recipes = [recipe for recipe in RECIPES if "digits" in recipe.worlds]
recipes = recipes[:1] + recipes[-1:] if TIER == "smoke" else recipes
began = time.process_time()
board.run(recipes)
print(f"{time.process_time() - began:.0f} processor seconds")
display(Markdown((FOLDER / "board.md").read_text("utf-8")))

rows = [board.row(recipe) for recipe in recipes]  # from its files now
names = [row["model"] for row in rows]
drawers = {name: drawer_of(open_run(FOLDER / name)) for name in names}


def sheet(name: str, n: int, seed: int = 2) -> Images:
    """n samples of a model on the board; one that can be told what to draw is told 0, 1, 2, ..."""
    drawer = drawers[name]
    told = torch.arange(n) % 10 if drawer.model.conditional else None
    return drawer.draw(n, told, seed)


show(
    torch.cat([sheet(name, 16) for name in names]),
    alt="A row of sixteen digits from each model: " + ", ".join(names),
    columns=16,
)
print("rows from top to bottom:", ", ".join(names))

# %% [markdown]
# Read it like this:
#
# * **The latent model** leads, by its head start: an autoencoder like lesson 07's had learnt for two minutes what digits look like before these 15 seconds began, with a perceptual loss in the judge's own features. Without such help **the convolutional GANs** are ahead, and the table cannot tell them apart.
# * **The DDPM** comes next, though it saw a tenth of the images that the small networks saw: each of its steps costs more, and teaches more. Lesson 06 gives it minutes instead of seconds.
# * **The small GANs and the VAEs** saw the most images and learnt the least from each. A VAE never gets rid of its fog; a plain GAN would still get much better (lesson 02 gave it five times as long).
# * **The price of a sample**: one pass through G, or twenty passes through a U-Net, doubled for the guidance. That is the column at the right: the DDPM's sample costs more than 200 times a VAE's, and more than a thousand times a small GAN's.
# * **as asked**: how often the classifier reads the digit that was asked for. After 15 seconds the CGAN obeys in 85 %, the DDPM and the latent model in 70 %, the conditional VAE in 37 %.
# * Places are given by the ± of the samples only. You have seen what that is worth: one training each is an anecdote. `course bakeoff --cpu-seconds 15 -n 2000 --seed 1 --out runs/seed1` tells another.
#
# **Explore:** who draws what, from other codes.

# %%
explore(
    lambda model, page: sheet(model, 24, seed=page),
    model=sorted(
        names, key=lambda name: next(row["fid"] for row in rows if row["model"] == name)
    ),  # the best first
    page=(0, 9, 3),
    alt="Twenty-four digits by one model of the board",
)

# %% [markdown]
# ## Quality and variety are two things
#
# FID is one number, and a model can lose it in two ways: by fakes that look like nothing real, or by real things that it never draws. Precision and recall keep the two apart. Both ask the same question, the other way round:

# %%
show_diagram(
    "08_bakeoff",
    alt="Left: balls around real images; most fakes lie in one, three lie in none. Right: balls around the fakes; half of the real images, a whole group, lie in none",
)

# %% [markdown]
# Each image becomes a point, by the features of a classifier. Around each point stands a ball that reaches to its third nearest neighbour of the same kind: small where points are crowded.
# **Precision** is the share of fakes in at least one ball around a *real* image. **Recall** is the share of real images in at least one ball around a *fake*.
#
# ### Exercise 3 · in a ball
#
# *difficulty 2 of 5 · importance 4 of 5 · 10 minutes*
#
# Return the share of the points that lie in a ball around at least one centre; each centre has its own radius (arXiv:1904.06991, eq. 1).
#
# <details><summary>Hint</summary>
#
# `torch.cdist(points, centres)` is the table of distances: a row for each point. Then `<=`, and `.any(dim=...)`.
# </details>


# %% nbgrader={"grade": false, "grade_id": "bakeoff-covered", "locked": false, "schema_version": 3, "solution": true, "task": false}
def covered(
    points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], radii: Float[Tensor, " m"]
) -> Float[Tensor, ""]:
    """The share, a float32 scalar, of n points that lie within radii[j] of centres[j] for at least one j."""
    ### BEGIN SOLUTION
    inside = torch.cdist(points, centres) <= radii
    return inside.any(dim=1).float().mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bakeoff-covered-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
covered = check("bakeoff/covered", covered)


# %%
def third_neighbour(features: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The distance of each point to its third nearest neighbour (the nearest of all is the point itself)."""
    return torch.cdist(features, features).kthvalue(4, dim=1).values


extractor = digits_extractor(device)
real = named_reference(
    "digits", SETTINGS.scored
).real  # (n, 84): the real digits that the board compares with
real_radii = third_neighbour(real)
precision_of, recall_of = {}, {}
for name in names:
    fake = extractor(sheet(name, SETTINGS.scored))[0]
    precision_of[name] = covered(fake, real, real_radii).item()
    recall_of[name] = covered(real, fake, third_neighbour(fake)).item()
    print(f"{name:>8}: precision {precision_of[name]:.3f}, recall {recall_of[name]:.3f}")

# %% [markdown]
# How sure are these two numbers? Nothing forces us to compare with *these* real digits. Take others, five times, and leave the fakes as they are. **Predict:** by how much does the precision of one model move?

# %%
five = {}
others = [torch.randperm(len(digit_set["image"]))[: SETTINGS.scored] for _ in range(5)]
for name in names[:1] + names[-1:] if TIER == "smoke" else ("gan", "dcgan"):
    fake = extractor(sheet(name, SETTINGS.scored))[0]
    fake_radii, five[name] = third_neighbour(fake), []
    for rows_of in others:
        other = extractor(from_uint8(digit_set["image"][rows_of]))[0]
        five[name].append(
            (covered(fake, other, third_neighbour(other)).item(), covered(other, fake, fake_radii).item())
        )
    print(f"{name:>8}: precision " + "  ".join(f"{p:.2f}" for p, _ in five[name]), end="")
    print("   recall " + "  ".join(f"{r:.2f}" for _, r in five[name]))

# %% [markdown]
# Recall stands firm; precision moves by as much as 0.12 among these five, and the table above, which compares with test digits, gave the very same fakes of the GAN 0.75. Yet all six sets are real digits, 2,000 each. The picture above shows why: a ball reaches to the third neighbour, so a *lonely* real digit, a smeared 2 say, has a large ball, and one such ball can take in many fakes.
# (Naeem et al. 2020 therefore count how many balls a fake lies in: **density**.) So two precisions may only be compared if they were measured against the same real images, and a difference of a few hundredths is nothing.
#
# ### Exercise 4 · who is beaten by nobody
#
# *difficulty 3 of 5 · importance 3 of 5 · 10 minutes*
#
# On a plane of precision and recall, one model need not be better or worse than another. A model is **beaten** by another that is at least as good in both and better in at least one.
# Return, for each model, whether it is beaten by *nobody*: these are the models on the **Pareto front**. Everything behind the front can be thrown away, whatever you prefer.
#
# <details><summary>Hint</summary>
#
# Make two tables: `at_least` (the other is at least as good in both) and `better` (the other is better in at least one). Beaten: `(at_least & better).any(dim=...)`.
# </details>


# %% nbgrader={"grade": false, "grade_id": "bakeoff-front", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pareto_front(precision: Float[Tensor, " m"], recall: Float[Tensor, " m"]) -> Bool[Tensor, " m"]:
    """True for each of m models that no other beats."""
    ### BEGIN SOLUTION
    at_least = (precision[None, :] >= precision[:, None]) & (recall[None, :] >= recall[:, None])
    better = (precision[None, :] > precision[:, None]) | (recall[None, :] > recall[:, None])
    return ~(at_least & better).any(dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "bakeoff-front-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
pareto_front = check("bakeoff/front", pareto_front)

# %% tags=["kept-picture"]
p = torch.tensor([precision_of[name] for name in names])
r = torch.tensor([recall_of[name] for name in names])
front = pareto_front(p, r)
fig, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for i, name in enumerate(names):
    colour = "#d55e00" if front[i] else "#0072b2"
    ax.plot(p[i], r[i], "o", color=colour)
    near = (p[:i] - p[i]).abs().lt(0.03) & (r[:i] - r[i]).abs().lt(0.03)  # their names are stacked
    ax.annotate(
        name,
        (p[i], r[i]),
        textcoords="offset points",
        xytext=(4, 5 + 11 * int(near.sum())),
        fontsize=9,
        color=colour,
    )
ax.margins(x=0.1)
order = p[front].argsort()
ax.step(p[front][order], r[front][order], where="pre", color="#d55e00", linewidth=1, alpha=0.6)
ax.set(xlabel="precision: how many fakes look real", ylabel="recall: how much of the real is there")
show_figure(
    fig,
    alt="The models on a plane of precision and recall; on the front: "
    + ", ".join(n for n, f in zip(names, front.tolist(), strict=True) if f),
)
print("on the front:", ", ".join(name for name, free in zip(names, front.tolist(), strict=True) if free))

# %% [markdown]
# On the front there is no better or worse, only a price. Behind it, some other model is at least as good in both. (The conditional VAE, the least-squares GAN and the Wasserstein GAN lie so close together that which of the three is on the front is luck.) Note how little a single number told: the CGAN and the DCGAN, neighbours by FID, lie far apart here, the DCGAN varied and rough, the CGAN crisper and more monotonous. And a VAE stands on the front although
# their digits are foggy: features that were learnt to read digits forgive fog.
#
# ## VAE or GAN? The question that began this course
#
# The study that this course grew out of trained a VAE and a GAN for 1, 5, 10 and 50 epochs on MNIST and on CelebA, and reported an FID of 175.0 and 120.23 for its GAN, in the features of an ImageNet classifier. It asked which of the two to choose.
# Here is the same experiment on digits and on this course's faces, in features that know digits and faces, so **its numbers and ours cannot be compared**; the question can. At the cpu tier an "epoch" is 2,000 images, so that fifty of them take a minute; the gpu tier uses all 60,000 digits.
#
# Same batches, constant learning rate, no schedule, since four budgets are read off one run. **Predict** for each of the four budgets: VAE or GAN?
#
# Time on 2 cores: about 2 minutes.


# %% tags=["kept-picture"]
def study(name: str, world, images: int) -> tuple[dict[int, float], dict[int, Images], dict[str, list]]:
    """FID and samples of a model after each number of epochs, and its losses."""
    torch.manual_seed(3)
    model: Model = find_recipe(name).build(world)
    ema = EMA(model.nets[model.sampled], model.ema)
    batches = Batches(world.load(images), model.batch, seed=3, device=device)
    marks = {max(1, round(e * images / model.batch)): e for e in SETTINGS.epochs}
    fid, sheets = {}, {}
    run = train(model.players, batches, max(marks), precision=precision)
    for step in (
        seen := watch(run, label=f"{name}, {world.name}", alt=f"Loss curves of the {name} on {world.name}")
    ):
        ema.update()
        if epochs := marks.get(step.index + 1):
            score = evaluate(lambda n: model.sample(ema.net, n, None), world.reference, n=SETTINGS.scored)
            fid[epochs] = score.fid.value
            sheets[epochs] = model.sample(ema.net, 16, None).cpu()
    return fid, sheets, seen.history


began, studied = time.process_time(), {}
for world in (DIGITS, FACES):
    for name in ("vae", "gan"):
        studied[name, world.name] = study(name, world, SETTINGS.epoch)
print(f"{time.process_time() - began:.0f} processor seconds")

# %% tags=["kept-picture"]
for world in (DIGITS, FACES):
    lines = {f"{name}": list(studied[name, world.name][0].items()) for name in ("vae", "gan")}
    plot_curves(
        lines,
        alt=f"FID on {world.name} against epochs, VAE and GAN: "
        + "; ".join(f"{n} {', '.join(f'{v:.0f}' for _, v in line)}" for n, line in lines.items()),
        xlabel=f"epochs of {SETTINGS.epoch:,} images ({world.name})",
        ylabel="FID",
        log=True,
    )
print(f"{'':14}" + "".join(f"{e:>5} epochs" for e in SETTINGS.epochs))
for (name, world), (fid, _, _) in studied.items():
    print(f"{name:>5}, {world:<7}" + "".join(f"{value:12.0f}" for value in fid.values()))

# %% tags=["kept-picture"]
for world in (DIGITS, FACES):
    pages = [studied[name, world.name][1][e] for name in ("vae", "gan") for e in SETTINGS.epochs]
    show(
        torch.cat(pages),
        columns=16,
        alt=f"{world.name}: rows of samples by the VAE after {SETTINGS.epochs} epochs, then by the GAN after as many",
    )

# %% [markdown]
# **The answer of this run.** After 1 and 5 epochs both draw fog or noise. After 10 the VAE is ahead on both sets: its loss tells it from the first step what every pixel should be, while the GAN's two players still look for their balance. After 50, digits are still the VAE's, and on faces the GAN has overtaken it: whole heads and hats, where the VAE's are torn.
#
# **But how sure is that?** It is one training each, and in the first table of this lesson equal GANs lay 230 apart. Of the eight differences here two are larger (faces after 1 epoch: 681; digits after 10: 317). So this study *suggests* **the VAE for a short budget, the GAN for a long one**; to *say* it, repeat it with other seeds and use your `mean_and_error`. One thing supports it from outside: in lesson 02,
# with a learning rate that falls and about six times the images, the GAN's distance is less than half of the VAE's. (The founding study, with the features of an ImageNet classifier, put its GAN at 175.0 on MNIST and 120.23 on CelebA after 50 epochs; it named the VAE/GAN as the next step, which is the end of lesson 04.) What the losses say about it: the VAE's curve falls as its samples get better; the GAN's two do not.
#
# ## Break it on purpose: fool the metrics
#
# A metric is a judge, and judges can be bribed. Five "models" that nobody would want, and the row that each gets. **Predict** for each which number gives it away, and which praises it.
#
# * **copier**: returns training images.
# * **ten pictures**: one perfect digit of each class, again and again.
# * **no sevens**: real digits, but never a 7.
# * **half noise**: every second image is noise, the others are real.
# * **blurred**: real digits out of focus.


# %% tags=["kept-picture"]
torch.manual_seed(4)
pool = from_uint8(digit_set["image"])
label = digit_set["label"]
_, sure = extractor(pool[:2_000])  # (2000, 10)
ten = pool[[sure[:, k].argmax().item() for k in range(10)]]
seven_free = pool[label != 7]


def pick_from(images: Images) -> Callable[[int], Images]:
    return lambda n: images[torch.randint(len(images), (n,))]


def half_noise(n: int) -> Images:
    images = pick_from(pool)(n)
    images[::2] = torch.rand_like(images[::2]) * 2 - 1
    return images


def blurred(n: int) -> Images:
    soft = torch.nn.functional.avg_pool2d(pick_from(pool)(n), 3, stride=1, padding=1)
    return (2 * soft + 0.125).clamp(-1, 1)


frauds = {
    "copier": pick_from(pool),
    "ten pictures": pick_from(ten),
    "no sevens": pick_from(seven_free),
    "half noise": half_noise,
    "blurred": blurred,
}
verdicts = {name: evaluate(fraud, reference="digits", n=SETTINGS.scored) for name, fraud in frauds.items()}
display(Markdown(score_table(verdicts)))
show(
    torch.cat([fraud(16) for fraud in frauds.values()]),
    columns=16,
    alt="Rows of digits by five frauds: copies, ten pictures again and again, no sevens, half noise, blurred",
)
print("median distance to the nearest training image:")
for name in ("copier", "no sevens", "blurred"):
    gap = nearest_images(frauds[name](200), digit_set["image"]).distance.median()
    print(f"{name:>12}: {gap:.2f}")
best = min(names, key=lambda name: next(row["fid"] for row in rows if row["model"] == name))
gap = nearest_images(sheet(best, 200), digit_set["image"]).distance.median()
print(f"{best:>12}: {gap:.2f}   (the best FID of the board)")

# %% [markdown]
# | fraud | what praises it | what gives it away |
# |---|---|---|
# | copier | everything: FID at the floor, precision and recall as high as real digits' | **only** the distance to the nearest training image, which is 0 |
# | ten pictures | the Inception Score: as high as for real digits. Precision: perfect | recall and coverage: nearly 0. FID |
# | no sevens | precision and recall hardly notice that a tenth of the world is missing | FID, by a little (37, where copies have 7), coverage (0.86, where copies have 0.95); a histogram of the classes at once |
# | half noise | recall: the real half covers everything | precision, FID, KID |
# | blurred | the Inception Score, precision: a classifier reads a soft digit easily | FID, by a little (34, where copies have 7); your eye at once |
#
# No number sees everything, and each can be fooled by someone who aims at it. Real models do not aim, but whoever *chooses* settings by a score does.
#
# ## What to take away
#
# * A score without an error is a rumour; an error that knows only the samples knows nothing of the training. Train more than once before you say *better*.
# * Say the budget. The order of models at 15 seconds is not the order at an hour.
# * FID mixes quality and variety. Precision and recall part them; a front, not a winner, is the honest answer.
# * No metric that compares with the training set can punish copying. Nearest neighbours can.
# * A score lives in its features: numbers of different features, sizes or counts of samples must not share a table.
#
# **To think over.** (1) A paper reports the best of ten trainings for its model and one training for each rival. By how many standard deviations does that help it? (2) Two models have the same FID; one has recall 0.2, the other 0.6. What must differ the other way? (3) How would you make a copier
# that FID, precision, recall *and* the nearest-neighbour distance in pixels all miss? (4) The features come from a classifier of digits. Which faults of a digit can they not see?
#
# **What can go wrong in the world.** A leaderboard is a training set for people. Whoever picks settings by a score fits the score; whoever publishes the best seed publishes luck. And a face generator with a good FID may still have left out the faces that are rare: a number averaged over everybody says nothing about anybody.
#
# **References.** Heusel et al. 2017 (FID), arXiv:1706.08500 · Bińkowski et al. 2018 (KID), arXiv:1801.01401 · Salimans et al. 2016 (Inception Score), arXiv:1606.03498 · Barratt and Sharma 2018 (*A Note on the Inception Score*), arXiv:1801.01973 · Lucic et al. 2018 (*Are GANs Created Equal?*), arXiv:1711.10337 ·
# Kynkäänniemi et al. 2019 (precision and recall), arXiv:1904.06991 · Naeem et al. 2020 (density and coverage), arXiv:2002.09797 · Chong and Forsyth 2020 (*Effectively Unbiased FID*), arXiv:1911.07023 · Kynkäänniemi et al. 2023 (*The Role of ImageNet Classes in FID*), arXiv:2203.06026.
