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
# # 00 · Start here: images, data, a first model, and a score
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/00_start_here.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/00_start_here.ipynb)
#
# | | |
# |---|---|
# | **You will build** | the two conversions that every image passes through, batches that survive a power cut, a first model that draws digits (badly), and the number that says how badly: FID |
# | **You should know** | Python, and that a tensor is an array of numbers. Everything else is explained where it first appears |
# | **Time** | about 60 minutes of yours. The computer needs under 1 minute on 2 CPU cores (measured), 1 to 2 on a T4-class GPU with the larger sizes (estimated) |
# | **Paper** | Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, [arXiv:1706.08500](https://arxiv.org/abs/1706.08500), for eq. (6). Equations numbered 2.x are from Bishop, *Pattern Recognition and Machine Learning*, 2006 |
#
# You write seven small functions. Each is checked at once, and if you are stuck the check hands you the
# library's version, so that you can always go on. Before each picture there is a question: answer it in your head *before* you
# run the cell. That is where the learning happens.

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
from dataclasses import dataclass

import course_lib  # before torch: it tells idle threads to sleep
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown, display
from jaxtyping import Float
from torch import Tensor

from course_lib.checks import check
from course_lib.data.batches import Batches, epoch_order
from course_lib.data.captions import captions
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, draw_faces, faces
from course_lib.device import pick_device, pick_tier
from course_lib.images import require_images
from course_lib.metrics.evaluate import evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.intervals import frechet_infinity
from course_lib.metrics.neighbours import nearest_images
from course_lib.models import gaussian as library
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import show, show_figure
from course_lib.training.loop import Player, train, warm_down
from course_lib.types import Bytes, Features, Images


@dataclass(frozen=True)
class Settings:
    batch: int = 100  # images a step
    steps: int = 300  # of the small training
    fit: int = 10_000  # images, at most, that the Gaussian is fitted to
    score: int = 2_000  # images that a model is judged by
    few: tuple[int, ...] = (50, 100, 500, 2_000)  # numbers of images for the failure on purpose


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(steps=30, fit=1_000, score=200, few=(50, 100, 200)),
    "cpu": Settings(),
    "gpu": Settings(steps=2_000, fit=60_000, score=5_000),
}[TIER]
device = pick_device()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# **Tiers.** Every lesson runs in one of three sizes, and picks it in its first cell:
#
# | tier | for | takes |
# |---|---|---|
# | `smoke` | tests: is anything broken? The pictures are bad | seconds |
# | `cpu` | a laptop or a free cloud session: pictures worth looking at | minutes |
# | `gpu` | a graphics card: the sizes of the papers | minutes |
#
# With a graphics card you get `gpu`, without one `cpu`; the environment variable `COURSE_TIER` overrules that.
#
# ## The idea in one picture

# %%
show_diagram(
    "00_start_here",
    alt="Above: real images are fitted by a model, here a Gaussian with a mean and a covariance; the model draws "
    "new images. Below: real and new images both pass through a feature network, each becomes a cloud of points, "
    "and FID is the distance between the two clouds.",
)

# %% [markdown]
# This is the way of every lesson. **Data** goes into a **model**; the model invents new images, the **samples**; and a
# **score** says how far the samples are from real images. Later lessons change the box in the middle: a VAE, a GAN, a
# diffusion model. Everything around it stays, and is built in this lesson.
#
# ## An image is a tensor
#
# Files and screens store the grey value of a pixel as one **byte**, a whole number from 0 (black) to 255 (white). In Python
# its type is `uint8`. A set of images is one tensor with four axes, always in this order:
# **(batch, channels, height, width)**. Grey images have one channel; colour images have three: red, green, blue.

# %%
train_set, test_set = digits("train"), digits("test")
image = train_set["image"]
print(
    "shape", tuple(image.shape), " type", image.dtype, " from", image.min().item(), "to", image.max().item()
)

# %% tags=["kept-picture"]
fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.8), layout="constrained")
left.imshow(image[0, 0], cmap="gray", vmin=0, vmax=255)
left.add_patch(plt.Rectangle((8.5, 8.5), 10, 10, fill=False, edgecolor="#e69f00", linewidth=2))
left.set_title("what you see: 28 x 28 pixels")
right.imshow(image[0, 0, 9:19, 9:19], cmap="gray", vmin=0, vmax=255)
for (row, column), value in zip(
    torch.cartesian_prod(torch.arange(10), torch.arange(10)).tolist(),
    image[0, 0, 9:19, 9:19].flatten().tolist(),
    strict=True,
):
    right.text(
        column, row, value, ha="center", va="center", fontsize=7, color="black" if value > 127 else "white"
    )
right.set_title("what the computer sees in the yellow square")
for axes in (left, right):
    axes.set(xticks=[], yticks=[])
show_figure(
    fig,
    alt="Left: a handwritten digit. Right: its middle, 10 by 10 pixels, each with its number: 0 in the black parts, up to 255 in the stroke",
)

# %% [markdown]
# Networks do not like numbers as large as 255, and cannot take gradients of whole numbers. So **inside this course an image
# is float32, from -1 (black) to 1 (white)**. Bytes are converted at the door, by two functions with names. You write both.
#
# ### Exercise 1 · from bytes
#
# *difficulty 1 of 5 · importance 5 of 5 · 3 minutes*
#
# Map 0 to -1 and 255 to 1, and everything between in a straight line.
#
# <details><summary>Hint</summary>
#
# From 0 to 255 there are 255 steps, from -1 to 1 the distance is 2. So one step is 2 / 255, or 1 / 127.5.
# Turn x into float *before* you calculate: `x.float()`. Arithmetic on bytes wraps around: 200 + 100 is 44.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-from_uint8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def from_uint8(x: Bytes) -> Images:
    """Bytes 0..255 -> float32 in [-1, 1], the same shape: (b, c, h, w) -> (b, c, h, w)."""
    ### BEGIN SOLUTION
    return x.float() / 127.5 - 1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-from_uint8-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from_uint8 = check("start/from_uint8", from_uint8)

# %% [markdown]
# ### Exercise 2 · and back
#
# *difficulty 2 of 5 · importance 5 of 5 · 5 minutes*
#
# The way back has two traps. Converting to `uint8` cuts the fraction off: 100.9 becomes 100, and the whole picture gets
# darker; **round** first. And a model's output may lie a little outside [-1, 1]: 257 would wrap around to 1, a black speck in a white
# area; **clamp** to 0..255.
#
# <details><summary>Hint</summary>
#
# `x * 127.5 + 127.5` undoes exercise 1. Then `.round()`, `.clamp(0, 255)` and `.to(torch.uint8)`, in this order.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-to_uint8", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_uint8(x: Images) -> Bytes:
    """[-1, 1] -> bytes 0..255, rounded to the nearest; what lies outside becomes 0 or 255."""
    ### BEGIN SOLUTION
    return (x * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-to_uint8-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
to_uint8 = check("start/to_uint8", to_uint8)

# %%
# NBVAL_CHECK_OUTPUT
every_byte = torch.arange(256).to(torch.uint8).view(1, 1, 16, 16)
there_and_back = to_uint8(from_uint8(every_byte))
print(f"{(there_and_back == every_byte).sum()} of 256 bytes come back as they were")
print("-1.2, 0 and 1.2 become", to_uint8(torch.tensor([-1.2, 0, 1.2]).view(1, 1, 1, 3)).flatten().tolist())

# %% [markdown]
# The most common bug of this field is a wrong range: nothing crashes, the pictures are just odd. `show` expects [-1, 1].
# **Predict:** what will we see if we hand it images in [0, 1], and what if they still run from 0 to 255?
#
# (Wherever a lesson says *Predict*, write your answer down before you run the cell. The words after `alt=` in the code say what a picture shows,
# for readers who cannot see it: skip them until you have your answer.)

# %% tags=["kept-picture"]
x = from_uint8(image[:16])
show(x, title="in [-1, 1], as it should be", alt="Sixteen digits, white on black", columns=16)
show(
    (x + 1) / 2, title="in [0, 1]", alt="The same digits, white on middle grey: black is missing", columns=16
)
show(
    image[:16].float(),
    title="in [0, 255]",
    alt="The same digits as white shapes on middle grey, with all soft edges gone: whatever is not 0 is cut off to white",
    columns=16,
)

# %% [markdown]
# A picture that looks foggy has the range [0, 1]; one without soft edges has [0, 255]. Remember these two. Wherever a wrong range would
# silently spoil a *number*, the course refuses it instead:

# %%
# NBVAL_CHECK_OUTPUT
try:
    require_images(torch.tensor([0.0, 255.0]).view(1, 1, 1, 2))
except ValueError as error:
    print(error)

# %% [markdown]
# ## The two data sets
#
# **Digits**: handwritten, grey, 28 x 28, with a label from 0 to 9. All 60,000 images of MNIST where they can be had, otherwise 5,000 of them
# that come with the installation; the line printed above said which.
#
# **Faces**: in colour, of any size. They are drawn by a program, so there are as many as we like, no real person is in them, and the **truth** about
# each is known: its attributes, and a sentence that says them.

# %% tags=["kept-picture"]
some_faces = faces(8, size=64, seed=3)
show(
    from_uint8(some_faces["image"]),
    alt="Eight drawn faces in colour, of different skin, hair, hats and glasses",
    labels=[f"face {i}" for i in range(8)],
)
for i, sentence in enumerate(captions(some_faces)[:4]):
    print(f"face {i}: {sentence}")

# %% [markdown]
# Each face is drawn in four styles. So when lesson 05 turns photos into sketches, we can lay the true sketch beside its answer.
# And face i of a seed is always the same, however many are asked for:

# %% tags=["kept-picture"]
rows = [faces(8, size=64, seed=3, style=style)["image"] for style in ("photo", "sketch", "painting", "night")]
show(
    from_uint8(torch.cat(rows)),
    alt="Four rows of the same eight faces: as photos, as pencil sketches, as paintings, at night",
)

# %%
# NBVAL_CHECK_OUTPUT
ten, last_three = faces(10, seed=1), faces(3, seed=1, start=7)
print("shape", tuple(ten["image"].shape), "type", ten["image"].dtype)
print("the last three of ten are faces 7, 8 and 9:", torch.equal(ten["image"][7:], last_three["image"]))

# %% [markdown]
# Another classic of wrong shapes: matplotlib and files want the colours last, (height, width, channels); torch wants them first. The cure is
# `permute`, which turns the axes. `reshape` gives the right *shape* too. **Predict** what it does to the picture.

# %% tags=["kept-picture"]
channels_last = from_uint8(some_faces["image"][:4]).permute(
    0, 2, 3, 1
)  # as they come from a file: (b, h, w, c)
right = channels_last.permute(0, 3, 1, 2)
wrong = channels_last.reshape(4, 3, 64, 64)
print(f"both have the shape {tuple(right.shape)} = {tuple(wrong.shape)}")
show(
    torch.cat([right, wrong]),
    alt="Four faces; beside them the same numbers after reshape: coloured dots and stripes in which no face is left",
)

# %% [markdown]
# ## Explore: the sliders that draw a face
#
# A face of this course is *a function of a few numbers*. That is the dream of every generative model: a few knobs, each with a
# meaning. The models of the next lessons must find such knobs on their own, from pictures alone. Here is what they would find if they were perfect:


# %%
def face(turn: float, nod: float, **chosen: str) -> Images:
    attributes = {name: torch.tensor([ATTRIBUTES[name].index(value)]) for name, value in chosen.items()}
    return draw_faces(
        {**attributes, "pose": torch.tensor([[turn, nod, 0.0]]), "shape": torch.zeros(1, 10)}, size=84
    )


knobs = {
    name: list(ATTRIBUTES[name])
    for name in ("hat", "hair_style", "hair_colour", "mouth", "glasses", "skin", "background")
}
explore(
    face,
    **knobs,
    turn=(-1.0, 1.0, 0.0),
    nod=(-1.0, 1.0, 0.0),
    alt="A face with the attributes and the pose that the sliders say",
)

# %% [markdown]
# ## Batches that survive a power cut
#
# A model learns from a **batch** of images at a time. One **epoch** is every image once, in an order drawn at random, cut into batches; the next
# epoch has another order. Most code draws that order from a global random generator. Then nobody can say what batch
# 1,000 was, and a training that is interrupted and resumed sees other images than one that was not.
#
# Here **batch k of a run is a function of (seed, k)** and of nothing else.
#
# ### Exercise 3 · a minibatch from an index
#
# *difficulty 2 of 5 · importance 4 of 5 · 8 minutes*
#
# With n images an epoch has n // size batches (`//` divides and rounds down; the rest sits this epoch out). Batch k
# belongs to epoch k // (n // size), and within the epoch it is number i = k % (n // size), the remainder.
# `epoch_order(n, seed, epoch)` is given: the order of that epoch, n row numbers. Take the i-th piece of it.
#
# <details><summary>Hint</summary>
#
# `epoch, i = divmod(k, n // size)` gives both at once. Piece i is `order[i * size : (i + 1) * size]`. `image[rows]` picks rows; `from_uint8` is yours.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-minibatch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minibatch(image: Bytes, size: int, seed: int, k: int) -> Images:
    """Batch k of the run with this seed, k = 0, 1, 2, ...: (n, c, h, w) bytes -> (size, c, h, w) in [-1, 1]."""
    ### BEGIN SOLUTION
    epoch, i = divmod(k, len(image) // size)
    rows = epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]
    return from_uint8(image[rows])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-minibatch-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
minibatch = check("start/minibatch", minibatch)

# %% [markdown]
# The library's `Batches` does the same, with labels, and keeps the set on the graphics card if there is one:

# %%
# NBVAL_CHECK_OUTPUT
batches = Batches(train_set, SETTINGS.batch, seed=0, device=device)
for k in (0, 7, 1_234):
    print(
        f"batch {k:5d} is the same: {torch.equal(minibatch(image, SETTINGS.batch, 0, k), batches.batch(k)['image'].cpu())}"
    )

# %% [markdown]
# ## The training loop
#
# Let us learn the simplest thing: *one image that is as near as possible to all digits*. Its 784 pixels are the
# **parameters**. The **loss** says how bad they are: the squared distance to a digit, averaged over the batch. The
# **gradient** says in which direction the loss grows, and the optimizer takes a small step the other way. **Predict:** what will that image look like?
#
# Every training loop of this course is these five lines: a batch, a loss, forget the old gradients, compute new ones, take a step.


# %%
def squared_distance(m: Images, x: Images) -> Float[Tensor, ""]:
    return ((x - m) ** 2).sum(dim=(1, 2, 3)).mean()


def new_image() -> Tensor:
    return torch.zeros(1, 1, 28, 28, device=device, requires_grad=True)  # middle grey everywhere


m = new_image()
sgd = torch.optim.SGD([m], lr=0.05)
for k in range(5):
    x = batches.batch(k)["image"]
    loss = squared_distance(m, x)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    print(f"step {k}: loss {loss.item():.1f}")
by_hand = m.detach().clone()

# %% [markdown]
# The library's `train` is this loop, written once for all lessons. A **player** is a name, a loss and an optimizer (a GAN
# will have two of them). `train` is a Python **generator**: it makes one step each time a `for` asks for one, and hands you what it saw. So
# whatever you want to do at every step, print, draw, save, stop, is simply the body of your own `for`.
#
# It has one surprise, and everybody falls for it once. **Predict:** how far has `m` moved after `run = train(...)`?

# %%
# NBVAL_CHECK_OUTPUT
m = new_image()
player = Player(
    "m", lambda batch: {"distance": squared_distance(m, batch["image"])}, torch.optim.SGD([m], lr=0.05)
)
run = train([player], batches.starting_at(0), steps=5)
print("after run = train(...):   has m moved?", bool((m != 0).any()))
for step in run:
    pass
print("after the for that asks:  has m moved?", bool((m != 0).any()), "- steps made:", step.index + 1)
print("the same m as by hand, bit for bit:", torch.equal(m.detach(), by_hand))

# %% [markdown]
# Nobody asked, so nothing happened. With `watch` around it the loop shows what it does: the loss, the time left, a
# picture, and a ■ button that ends it early and keeps what was learnt.

# %% tags=["kept-picture"]
m = new_image()
player = Player(
    "m", lambda batch: {"distance": squared_distance(m, batch["image"])}, torch.optim.SGD([m], lr=0.05)
)
run = train([player], batches.starting_at(0), SETTINGS.steps, schedule=warm_down)
for step in watch(run, draw=lambda: m.detach(), alt="the image that is being learnt, a soft bright blob"):
    pass  # your own code goes here, once per step

# %% [markdown]
# A bright fog: the **average digit**. The image that is nearest to all digits is a digit of nobody. Keep this in mind: *a
# squared error asks for averages, and an average of sharp pictures is a blurred one*. We will meet it again in lesson 01.
#
# Now pull the plug after 8 of 20 steps. What has to be saved is m and the number of steps; since the batches are a function of
# (seed, k), nothing else is needed. To compare, we do it once with batches from a global generator.


# %%
# NBVAL_CHECK_OUTPUT
def learn(batches_from, killed_after: int | None) -> Tensor:
    m = new_image()
    player = Player(
        "m", lambda batch: {"distance": squared_distance(m, batch["image"])}, torch.optim.SGD([m], lr=0.05)
    )
    for step in train([player], batches_from(0), steps=20):
        if step.index + 1 == killed_after:
            break  # the power is gone; m and killed_after were saved
    if killed_after is not None:
        for step in train([player], batches_from(killed_after), steps=20, start=killed_after):
            pass
    return m.detach()


def by_dice(start: int):
    dice = torch.Generator().manual_seed(
        0
    )  # the dice start anew with the program, wherever the training goes on
    while True:
        index = torch.randint(len(image), (SETTINGS.batch,), generator=dice)
        yield {"image": from_uint8(image[index]).to(device)}


print(
    "batches of (seed, k): the same result, bit for bit:",
    torch.equal(learn(batches.starting_at, None), learn(batches.starting_at, 8)),
)
print(
    "batches by dice:      the same result, bit for bit:",
    torch.equal(learn(by_dice, None), learn(by_dice, 8)),
)
print(
    "by dice, no power cut in either:  the same result:",
    torch.equal(learn(by_dice, None), learn(by_dice, None)),
)

# %% [markdown]
# ## The first generative model, and how it fails
#
# To **generate** is to draw a new x that could have been in the data. So we need a *distribution* of images, and a way to
# draw from it. The simplest attempt: give every pixel a mean and a spread of its own, measured on the data, and draw every pixel separately.
# **Predict:** what will its samples look like?

# %% tags=["kept-picture"]
x_fit = from_uint8(image[: SETTINGS.fit]).flatten(1)  # a row of 784 numbers for each image
naive = x_fit.mean(dim=0) + x_fit.std(dim=0) * torch.randn(16, 784)
show(from_uint8(image[16:32]), title="real", alt="Sixteen real digits", columns=16)
show(
    naive.clamp(-1, 1).view(-1, 1, 28, 28),
    title="every pixel by itself",
    alt="Sixteen clouds of black and white specks, denser in the middle; no strokes",
    columns=16,
)

# %% [markdown]
# Snow, in the shape of the fog. Every pixel on its own is right: it is white as often as in real digits. What is missing
# is that *neighbours go together*: a white pixel in a stroke has white neighbours. A model of images is a model of how pixels hang together.
#
# The next simplest attempt knows about pairs. For each two pixels i and j it has the **covariance**, the average of
# (x_i - μ_i)(x_j - μ_j): positive if they are bright together, 0 if they do not care about each other. On the diagonal stand the
# variances. A mean μ and a covariance matrix Σ make a **Gaussian** N(μ, Σ), with the density
#
# $$p(x) = \frac{1}{(2\pi)^{d/2}\,|\Sigma|^{1/2}} \exp\!\Big(-\tfrac{1}{2}(x - \mu)^\top \Sigma^{-1} (x - \mu)\Big), \qquad d = 784 \tag{2.43}$$
#
# It needs no training loop: the best μ and Σ are simply those of the data.
#
# ### Exercise 4 · fit a Gaussian
#
# *difficulty 2 of 5 · importance 4 of 5 · 8 minutes*
#
# $$\mu = \frac{1}{n}\sum_{i=1}^n x_i, \qquad \Sigma = \frac{1}{n - 1}\sum_{i=1}^n (x_i - \mu)(x_i - \mu)^\top \tag{2.121, 2.125}$$
#
# (It is n - 1 because the x were used once already, to find μ: about their own mean they scatter a little too little.)
#
# <details><summary>Hint</summary>
#
# `centred = x - x.mean(dim=0)`. The sum of all products is one matrix product: `centred.T @ centred` is (d, n) times (n, d), so (d, d). No loop is needed.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit_gaussian(x: Features) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """The mean (d,) and the covariance (d, d), divided by n - 1, of the n rows of x: (n, d)."""
    ### BEGIN SOLUTION
    mean = x.mean(dim=0)  # eq. (2.121)
    centred = x - mean
    return mean, centred.T @ centred / (len(x) - 1)  # eq. (2.125)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-fit-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
fit_gaussian = check("start/fit", fit_gaussian)

# %% [markdown]
# ### Exercise 5 · draw from it
#
# *difficulty 3 of 5 · importance 4 of 5 · 8 minutes*
#
# In one dimension a draw is μ + σ ε with ε standard normal, where σ is the root of the variance. In d dimensions it is the same, with a **root of the
# matrix**: an L with L Lᵀ = Σ. Then
#
# $$x = \mu + L \varepsilon, \qquad \varepsilon \sim N(0, I)$$
#
# has the covariance E[Lε (Lε)ᵀ] = L E[ε εᵀ] Lᵀ = L Lᵀ = Σ. The Cholesky decomposition finds such an L, with zeros above its diagonal.
#
# <details><summary>Hint</summary>
#
# `torch.linalg.cholesky(covariance)` is L. Draw all noise at once, a draw in each row, in the number type of the mean (it will be float64 below):
# `eps = torch.randn(n, len(mean), dtype=mean.dtype)`. For rows the product Lε becomes `eps @ L.T`.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-sample", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw_gaussian(mean: Float[Tensor, " d"], covariance: Float[Tensor, "d d"], n: int) -> Features:
    """n independent draws from N(mean, covariance), a row each: (d,), (d, d) -> (n, d)."""
    ### BEGIN SOLUTION
    L = torch.linalg.cholesky(covariance)
    eps = torch.randn(n, len(mean), dtype=mean.dtype)
    return mean + eps @ L.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-sample-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
draw_gaussian = check("start/sample", draw_gaussian)

# %% [markdown]
# One more thing before we draw. The corners are black in *every* digit: their variance is 0, and a Gaussian with variance 0
# is infinitely sure of itself; its Σ has no root, and its density is infinite. But an image is never that exact: "black" means one of 256 grey
# levels, a level is 2/255 wide, and a number spread evenly over that width has the variance (2/255)²/12. We add it to every pixel.
#
# **Predict** again: the model knows the mean and the variance of each of the 784 pixels, and how every two of them go together. Will you be able to read its digits?

# %% tags=["kept-picture"]
mean, covariance = fit_gaussian(x_fit.double())  # float64: Σ holds large and tiny numbers side by side
blurred = covariance + (2 / 255) ** 2 / 12 * torch.eye(784)
drawn = draw_gaussian(mean, blurred, SETTINGS.score)
show(from_uint8(image[16:32]), title="real", alt="Sixteen real digits", columns=16)
show(
    drawn[:32].clamp(-1, 1).float().view(-1, 1, 28, 28),
    title="drawn from the Gaussian",
    alt="32 squares with smoky bent strokes, light and dark, as if several digits were laid over each other; none can be read",
    columns=16,
)
print(f"{784 + 784 * 785 // 2:,} parameters, fitted to {len(x_fit):,} images")

# %% [markdown]
# Smoke, with strokes in it. It is a big step from the snow: the strokes are as thick as real ones, and they bend. But no
# sample is *a* digit; each is a bit of several. Why? Look at eq. (2.43): x enters only through the square of x - μ. So the model cannot tell
# μ + (x - μ) from μ - (x - μ). Take a real digit, and turn everything about the mean around:

# %% tags=["kept-picture"]
some = from_uint8(image[16:24])
mirrored = 2 * mean.float().view(1, 1, 28, 28) - some
gauss = library.from_moments(mean, covariance, shape=(1, 28, 28))  # the library's form of your model
gap = (library.log_likelihood(gauss, some) - library.log_likelihood(gauss, mirrored)).abs().max()
print(f"largest difference of log p(x) between the two rows: {gap:.2f}")
show(
    torch.cat([some, mirrored]),
    alt="Above: eight real digits. Below: their mirror images about the mean, dark strokes cut out of a bright fog",
    columns=8,
)

# %% [markdown]
# To a Gaussian the lower row is *exactly as probable* as the upper one. It has a single hill, with the fog of the average on its top, and
# it falls off alike in opposite directions. Digits are not one hill: they are ten and more islands, with hardly
# anything between. **That is what the networks of this course are for.**
#
# ### How many nats is a digit?
#
# A model can be judged without looking, too: it should find *real images it has never seen* probable. The usual measure is log p(x),
# averaged over test images; with the natural logarithm its unit is the **nat** (1 nat = 1.44 bits). Minus log p(x) is also a length: a good
# model lets you store x in that many nats. Probabilities here are those of whole grey levels, so
# that "every level is equally likely" costs 784 · ln 256 = 4,347 nats, the size of the uncompressed image.

# %%
x_test = from_uint8(test_set["image"][:2_000])
pixels = library.fit_pixels(from_uint8(image[: SETTINGS.fit]))  # the naive model
print(f"{'nats per image':>24} {'fitted':>9} {'unseen':>9}")
print(
    f"{'all levels alike':>24} {784 * torch.tensor(256.0).log():9.0f} {784 * torch.tensor(256.0).log():9.0f}"
)
for name, model in {"every pixel by itself": pixels, "Gaussian": gauss}.items():
    fitted, unseen = (
        -library.log_likelihood(model, x).mean() for x in (x_fit[:2_000].view(-1, 1, 28, 28), x_test)
    )
    print(f"{name:>24} {fitted:9.0f} {unseen:9.0f}")

# %% [markdown]
# The two columns are two lessons. On images that it was **fitted** to, knowing pairs saves hundreds of nats. On **unseen** ones it
# does worse, for some of what it learnt are accidents of the sample: this is **overfitting**, and the fewer images there were (see the line about the data above), the larger the
# gap; with a thousand or a few thousand images the Gaussian with its 308,504 numbers can even lose to the naive one. So: always measure on unseen images.
#
# (In lesson 01 a digit costs about 100 nats. That is another question, "black or white?", not "which of 256 levels?"; the two numbers cannot be compared.)
#
# ## A distance between two sets: FID
#
# A GAN has no log p(x). What every model has are samples. So we need a distance between two *sets* of images, real and drawn, and the most
# used one is the **Fréchet distance**. It fits a Gaussian to each set, as you just did, and asks how much work it is to move one onto the other.
#
# Begin with numbers instead of images. Two heaps of sand, N(m₁, s₁²) and N(m₂, s₂²), and each grain is to be carried from the first to
# the second. The cheapest way never lets two grains cross: the leftmost goes to the leftmost place, the middle one to the middle. A
# grain that lies z standard deviations from its middle, at m₁ + s₁z, goes to m₂ + s₂z. Its squared way, averaged over all grains (the average
# of z is 0, that of z² is 1), is
#
# $$\overline{\big((m_1 + s_1 z) - (m_2 + s_2 z)\big)^2} = (m_1 - m_2)^2 + (s_1 - s_2)^2 = (m_1 - m_2)^2 + s_1^2 + s_2^2 - 2\sqrt{s_1^2 s_2^2}.$$
#
# Do not believe a derivation: compute it. We carry 100,000 grains:

# %%
# NBVAL_CHECK_OUTPUT
z = torch.special.ndtri(
    (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
)  # evenly through a Gaussian
m1, s1, m2, s2 = 1.0, 2.0, -0.5, 0.8
order = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))
print(f"carried in order      {((m1 + s1 * z) - (m2 + s2 * z)).square().mean():.2f}")
print(f"two squares           {(m1 - m2) ** 2 + (s1 - s2) ** 2:.2f}")
print(f"with the variances    {(m1 - m2) ** 2 + s1**2 + s2**2 - 2 * (s1**2 * s2**2) ** 0.5:.2f}")
print(f"carried at random     {((m1 + s1 * z) - (m2 + s2 * z[order])).square().mean():.1f}    more work")

# %% [markdown]
# ### Exercise 6 · Fréchet distance in one dimension
#
# *difficulty 1 of 5 · importance 4 of 5 · 5 minutes*
#
# Write the last form: it is eq. (6) of the paper for d = 1. The inputs are means and **variances**, k pairs of Gaussians at once.
#
# $$d^2 = (m_a - m_b)^2 + v_a + v_b - 2\sqrt{v_a v_b} \tag{6, d = 1}$$
#
# <details><summary>Hint</summary>
#
# One line; `** 2` squares and `.sqrt()` takes the root of every entry.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-frechet_1d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frechet_1d(
    mean_a: Float[Tensor, " k"],
    var_a: Float[Tensor, " k"],
    mean_b: Float[Tensor, " k"],
    var_b: Float[Tensor, " k"],
) -> Float[Tensor, " k"]:
    """Squared Fréchet distance of N(mean_a, var_a) and N(mean_b, var_b), entry by entry: four times (k,) -> (k,)."""
    ### BEGIN SOLUTION
    return (mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()  # eq. (6), d = 1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-frechet_1d-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
frechet_1d = check("start/frechet_1d", frechet_1d)

# %% [markdown]
# Why not just compare every dimension by itself and add up? **Predict** the distance of these two clouds when you look at each axis alone.

# %% tags=["kept-picture"]
up, down = (torch.tensor([[1.0, sign * 0.8], [sign * 0.8, 1.0]], dtype=torch.float64) for sign in (1, -1))
fig, axes = plt.subplots(figsize=(4.4, 4.2), layout="constrained")
circle = torch.linspace(0, 2 * torch.pi, 200, dtype=torch.float64)
circle = 2 * torch.stack([circle.cos(), circle.sin()], dim=1)  # two standard deviations
for name, cov, colour in (("a", up, "#0072b2"), ("b", down, "#d55e00")):
    axes.scatter(*draw_gaussian(torch.zeros(2).double(), cov, 400).T, s=4, color=colour, alpha=0.5)
    axes.plot(*(circle @ torch.linalg.cholesky(cov).T).T, color=colour, linewidth=2, label=f"cloud {name}")
axes.set(xlabel="first number", ylabel="second number", xlim=(-3.5, 3.5), ylim=(-3.5, 4.3), aspect="equal")
axes.legend(frameon=False, loc="upper center", ncols=2, fontsize=9)
show_figure(
    fig,
    alt="Two clouds of dots about the same middle: cloud a is stretched along the rising diagonal, cloud b along the falling one",
)

# %%
# NBVAL_CHECK_OUTPUT
zero = torch.zeros(2, dtype=torch.float64)
print("each axis alone:", frechet_1d(zero, up.diagonal(), zero, down.diagonal()).tolist())

# %% [markdown]
# Zero and zero: each axis by itself has mean 0 and variance 1 in both clouds. Just like our snow, where each pixel by
# itself was right! The difference is in how the dimensions go together. So the covariance *matrices* must be compared:
#
# $$d^2 = |\mu_a - \mu_b|^2 + \operatorname{tr}(\Sigma_a) + \operatorname{tr}(\Sigma_b) - 2 \operatorname{tr}\big((\Sigma_a \Sigma_b)^{1/2}\big) \tag{6}$$
#
# The **trace** tr is the sum of the diagonal. It looks like d = 1 with matrices for variances, and it is.
#
# ### Exercise 7 · Fréchet distance in d dimensions
#
# *difficulty 3 of 5 · importance 5 of 5 · 10 minutes*
#
# The root of a *matrix* M is the matrix R with R R = M; it is not the root of each entry. Fortunately we need only its trace. The trace of
# a matrix is the sum of its **eigenvalues**, and the eigenvalues of the root are the roots of the eigenvalues. So: the eigenvalues of
# Σ_a Σ_b, the root of each, the sum.
#
# <details><summary>Hint</summary>
#
# `torch.linalg.eigvals(cov_a @ cov_b)` gives complex numbers, but here their imaginary parts are 0: take `.real`. Rounding can make a 0 slightly negative: `.clamp(min=0)` before `.sqrt()`.
# `.trace()` is the trace, `@` the product of matrices.
# </details>


# %% nbgrader={"grade": false, "grade_id": "start-frechet", "locked": false, "schema_version": 3, "solution": true, "task": false}
def frechet_gaussians(
    mean_a: Float[Tensor, " d"],
    cov_a: Float[Tensor, "d d"],
    mean_b: Float[Tensor, " d"],
    cov_b: Float[Tensor, "d d"],
) -> Float[Tensor, ""]:
    """Squared Fréchet distance of N(mean_a, cov_a) and N(mean_b, cov_b), one number."""
    ### BEGIN SOLUTION
    trace_of_root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return ((mean_a - mean_b) ** 2).sum() + cov_a.trace() + cov_b.trace() - 2 * trace_of_root  # eq. (6)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "start-frechet-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
frechet_gaussians = check("start/frechet", frechet_gaussians)

# %% [markdown]
# For the two clouds the answer can be found on paper: with correlation ±r their product Σ_a Σ_b is (1 - r²) I, so d² = 4 - 4√(1 - r²).

# %%
# NBVAL_CHECK_OUTPUT
print(f"both axes together: {frechet_gaussians(zero, up, zero, down):.6f}")
print(f"on paper:           {4 - 4 * (1 - 0.8**2) ** 0.5:.6f}")

# %% [markdown]
# ## FID of images
#
# A distance between clouds of *numbers* is there; what are the numbers of an image? Let us try two that anybody can think of: how much white is in
# the upper half, and how much in the lower half. Such numbers that describe an image are called **features**.


# %%
def ink(x: Images) -> Features:
    """The average brightness of the upper and of the lower half: (b, 1, 28, 28) -> (b, 2)."""
    return torch.stack([x[:, 0, :14].mean(dim=(1, 2)), x[:, 0, 14:].mean(dim=(1, 2))], dim=1).double()


n = min(SETTINGS.score, len(image) // 2)
real = from_uint8(image[torch.randperm(len(image), generator=torch.Generator().manual_seed(0))[:n]])
sets = {
    "real": ink(real),
    "every pixel by itself": ink(draw_gaussian(pixels.mean, pixels.L @ pixels.L.T, n).view(-1, 1, 28, 28)),
    "Gaussian": ink(drawn[:n].view(-1, 1, 28, 28)),
}
for name in ("every pixel by itself", "Gaussian"):
    (mean_a, cov_a), (mean_b, cov_b) = fit_gaussian(sets["real"]), fit_gaussian(sets[name])
    alone = frechet_1d(mean_a, cov_a.diagonal(), mean_b, cov_b.diagonal()).sum()
    print(
        f"{name:>24}:  axis by axis {1e4 * alone:6.2f}   together {1e4 * frechet_gaussians(mean_a, cov_a, mean_b, cov_b):6.2f}   (in 1/10,000)"
    )

# %% tags=["kept-picture"]
fig, axes = plt.subplots(figsize=(5.4, 4.2), layout="constrained")
styles = (("#444444", "-"), ("#d55e00", "-"), ("#0072b2", "--"))
for (name, points), (colour, line) in zip(sets.items(), styles, strict=True):
    centre, cov = fit_gaussian(points)
    axes.scatter(*points[:500].T, s=4, color=colour, alpha=0.35)
    axes.plot(
        *(centre + circle @ torch.linalg.cholesky(cov).T).T,
        color=colour,
        linestyle=line,
        linewidth=2,
        label=name,
    )
axes.set(xlabel="brightness of the upper half", ylabel="brightness of the lower half")
axes.legend(frameon=False, fontsize=9)
show_figure(
    fig,
    alt="Clouds of dots with ellipses: real digits and the Gaussian's share one wide ellipse, the pixels by themselves make a tiny one in its middle",
)

# %% [markdown]
# The snow is found out: every one of its images has about the same amount of white. But the Gaussian, whose smoke fooled nobody, passes with
# hardly any distance at all. No wonder: brightness is a weighted sum of pixels, and a Gaussian fitted to the pixels gets the mean and the
# covariance of every such sum right. **A distance is only as good as its features.**
#
# So one takes features that care about strokes: the last layer but one of a network that has learnt to *read*. For photographs everybody takes
# the 2,048 features of a network called Inception; then the distance is the **FID**, Fréchet Inception Distance. For our digits
# a small reader (84 features, over 99 % right on unseen digits) does better and is quicker. The course names the features in every
# result, since distances in different features cannot be compared.

# %%
reader = digits_extractor(device)
f_real, _ = reader(real)
f_drawn, _ = reader(drawn[:n].clamp(-1, 1).float().view(-1, 1, 28, 28))
mine = frechet_gaussians(*fit_gaussian(f_real.double()), *fit_gaussian(f_drawn.double()))
print(f"features of {n:,} images: {tuple(f_real.shape)}")
print(f"your eq. (6):                {mine:.3f}")
print(f"the library's, on the same:  {frechet_distance(f_real, f_drawn):.3f}")

# %% [markdown]
# Now the smoke has a price. From here on it is one line for any model: `evaluate` wants a function that gives as many images as it is asked for.
# (Three models; about ten seconds, most of them for the intervals.)

# %%
models = {
    "noise": lambda n: torch.rand(n, 1, 28, 28) * 2 - 1,
    "every pixel by itself": lambda n: library.sample_gaussian(pixels, n),
    "Gaussian": lambda n: library.sample_gaussian(gauss, n),
}
scores = {name: evaluate(sample, reference="digits", n=SETTINGS.score) for name, sample in models.items()}
display(Markdown(score_table(scores)))

# %% [markdown]
# **How to read a row.** Start with three columns; lesson 08 is about the others.
#
# * **FID (features, samples v real)**: smaller is better, 0 would be perfect. It names its features and both numbers of images.
# * **± is an interval**: other samples of the same model would give a slightly different number. The course finds out how
#   different by redrawing the images from themselves, with repetitions, a hundred times (the **bootstrap**), and prints the standard deviation of the hundred results. Twice that
#   to either side is the 95 % interval. Two models whose intervals overlap are *not* told apart.
# * **real v real is the floor**: other real images, scored as if a model had drawn them. Nobody can do better than that, and it is not 0. Why not?
#
# ## Break it on purpose: FID from too few samples
#
# Real images *are* like real images, so the floor should be 0. Let us score real images against other real images,
# the best model there can be, with fewer and fewer of them, ten times for each number. **Predict:** does the number become less *certain*, or does it become *wrong*?


# %%
rows = torch.randperm(len(image), generator=torch.Generator().manual_seed(1))[: 2 * max(SETTINGS.few)]
f_many, _ = reader(from_uint8(image[rows]))  # real images in features, enough for both sides
f_smoke, _ = reader(library.sample_gaussian(gauss, len(f_many)))


def real_and_real(n: int) -> tuple[Features, Features]:
    """n real images and n others, drawn anew at every call."""
    both = f_many[torch.randperm(len(f_many))[: 2 * n]]
    return both[:n], both[n:]


def smoke_and_real(n: int) -> tuple[Features, Features]:
    return f_smoke[torch.randperm(len(f_smoke))[:n]], f_many[torch.randperm(len(f_many))[:n]]


def ten_fids(pair, n: int) -> tuple[float, float]:
    """Mean and standard deviation of ten measurements."""
    values = torch.tensor([frechet_distance(*pair(n)) for _ in range(10)])
    return values.mean().item(), values.std().item()


few = [n for n in SETTINGS.few if 2 * n <= len(f_many)]
floors = {n: ten_fids(real_and_real, n) for n in few}
smokes = {n: ten_fids(smoke_and_real, n) for n in few}
print(f"{'images on each side':>20} {'real v real':>16} {'Gaussian v real':>18}")
for n in few:
    print(f"{n:>20,} {floors[n][0]:>9.1f} ± {floors[n][1]:4.1f} {smokes[n][0]:>11.1f} ± {smokes[n][1]:4.1f}")

# %% tags=["kept-picture"]
fig, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for name, found, colour in (("Gaussian v real", smokes, "#d55e00"), ("real v real", floors, "#0072b2")):
    values, spreads = zip(*found.values(), strict=True)
    axes.errorbar(few, values, yerr=spreads, color=colour, marker="o", capsize=3, label=name)
axes.set(
    xscale="log",
    yscale="log",
    xlabel="images on each side",
    ylabel="FID (digits-LeNet)",
    xticks=few,
    xticklabels=[f"{n:,}" for n in few],
)
axes.minorticks_off()
axes.legend(frameon=False)
axes.grid(alpha=0.25)
show_figure(
    fig,
    alt="On logarithmic axes, FID of real against real falls in a straight line, from about 200 at 50 images to about 5 at 2,000; that of the Gaussian stays above 700 throughout",
)

# %% [markdown]
# It becomes **wrong**. With 50 images, *perfect* samples get a number around 200. The ten measurements differ by a fifth or so, but none is
# anywhere near the truth, which is 0, and nor is their average. This is a **bias**: repeating does not help, and no interval shows it.
#
# Where does it come from? 84 features have a covariance of 84 x 84 numbers, and 50 images can show at most 49 directions
# of spread. In all others the estimate has no spread at all. Two such flat clouds lie in different directions, eq. (6) counts every mismatch, and none
# cancels another, for a square is never negative. The bias falls about like 1/n: twice the images, half the bias. (The Gaussian's number is
# too large as well, by about 80; beside 735 that looks small. The bias bites where models are *good*, and that is where one compares them.) Three habits follow:
#
# 1. Never compare FIDs of different numbers of images. A published 5.1 with 50,000 images and your 7.3 with 5,000 may be the same model.
# 2. Print the floor, real against real, beside every FID.
# 3. Use as many images as you can; the course warns where there are fewer than five per feature.
#
# Because the bias falls like 1/n, one can also measure at several n, draw a straight line over 1/n, and read it off where 1/n is 0. That is
# **FID∞** in the table ([arXiv:1911.07023](https://arxiv.org/abs/1911.07023)). The truth is 0; is it nearer to it?

# %%
half, other = real_and_real(max(few))
print(
    f"real v real, {max(few):,} images: FID {frechet_distance(half, other):.2f}, FID∞ {frechet_infinity(half, other):.2f}"
)

# %% [markdown]
# ## Measure it
#
# Two questions remain that every lesson asks of its model. **Is it memorising?** A model that repeats its training images has an
# excellent FID. So we look for the training image nearest to each sample. (Ours cannot memorise: smoke is near to nothing.) And **what does it cost?**

# %% tags=["kept-picture"]
samples = library.sample_gaussian(gauss, 8)
found = nearest_images(samples, from_uint8(image[: SETTINGS.fit]))
show(
    torch.cat([samples, from_uint8(image[found.index[:, 0]])]),
    alt="Above: eight samples of the Gaussian. Below: the training image nearest to each, which is not like it",
    columns=8,
)
score = scores["Gaussian"]
print(
    f"Gaussian: {gauss.parameters:,} parameters, {1e3 * score.seconds_per_image:.2f} ms an image, FID {score.fid} (floor {score.floor:.1f})"
)

# %% [markdown]
# That is the number to beat. Lesson 01 begins.
#
# ## What to take away
#
# * An image is float32, (b, c, h, w), in [-1, 1]. Bytes stay at the door, where they are rounded and clamped.
# * Batch k is a function of (seed, k), so a training that was killed goes on as if nothing had happened.
# * `train` is a generator: nothing moves until a `for` asks.
# * A Gaussian knows the mean and every pair of pixels, and draws smoke: images are not one hill.
# * FID fits a Gaussian to the features of each set and measures how far they are apart. Its features, its numbers of images, its interval and its floor belong to it.
#
# **To think over.** (1) The Gaussian's samples would have FID near 0 if the features were the pixels themselves. What does that say about a model trained to make a FID small?
# (2) You draw ten times 500 images and average the ten FIDs. Which part of the error goes away, which stays? (3) Why can the *lower* row of the mirror picture never
# appear in a data set of scanned paper, and how would a model have to be built to know that? (4) A set of faces has one man with a straw hat in 10,000. How many
# samples do you need to find out whether a model can draw him? Would FID tell you?
#
# **What can go wrong in the world.** One number decides what gets published and what gets built, and whatever it does not see does not count: FID hardly notices when
# a small group of people is missing from the samples. A score computed on too few images, or in features made for other pictures, flatters or condemns
# by accident. And a data set is never "just data": somebody wrote these digits, employees of the American census and high school students, and a system trained on them reads other hands worse.
#
# **References.** Heusel et al. 2017, arXiv:1706.08500 (FID) · Dowson and Landau 1982 (the distance of two Gaussians) · Bishop 2006 (the Gaussian) ·
# Theis, van den Oord and Bethge 2016, arXiv:1511.01844 (grey levels and densities; why nats, samples and scores disagree) · Chong and Forsyth 2020, arXiv:1911.07023 (the bias, FID∞) ·
# Parmar, Zhang and Zhu 2022, arXiv:2104.11222 (how a careless resize moves FID) · LeCun, Cortes and Burges 1998 (MNIST).
