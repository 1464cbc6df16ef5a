# %% [markdown]
# # 01 · The variational autoencoder
#
# [Open in Colab](https://colab.research.google.com/github/course-lib/course/blob/main/lessons/01_vae.ipynb) · [Open in Binder](https://mybinder.org/v2/gh/course-lib/course/main?urlpath=lab/tree/lessons/01_vae.ipynb)
#
# | | |
# |---|---|
# | **You will build** | an autoencoder that cannot invent anything, a VAE that can, and a conditional VAE that draws the digit you ask for; then the same on faces |
# | **You should know** | Python, tensors, what a gradient is. No probability beyond "mean" and "variance" |
# | **Time** | about 5 minutes on 2 CPU cores (measured: 4 min 39 s); about 4 minutes on a T4-class GPU (estimated, not measured) |
# | **Paper** | Kingma and Welling, *Auto-Encoding Variational Bayes*, [arXiv:1312.6114](https://arxiv.org/abs/1312.6114); equation numbers below are theirs |
#
# You write six small functions. Each is checked at once, and if you are stuck the check hands you the
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
import torch.nn.functional as F
from IPython.display import Markdown, display
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.checks import check
from course_lib.data.batches import Batches
from course_lib.data.captions import caption
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.device import evaluating, fast_precision, pick_device, pick_tier, place
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import conditional_accuracy, evaluate, score_table
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.neighbours import nearest_images
from course_lib.models import vae as library
from course_lib.models.pretrained import fill, load_pretrained
from course_lib.models.vae import bernoulli_mean, gaussian_mean, make_trunk, split_gaussian
from course_lib.notebook.diagram import show_diagram
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.notebook.show import plot_curves, show, show_figure
from course_lib.training.loop import Player, train, warm_up_down
from course_lib.types import Codes, Images, Labels, Losses


@dataclass(frozen=True)
class Settings:
    d: int = 16  # dimensions of the latent space
    width: int = 32  # channels of the first convolution
    d_class: int = 10  # ... of the conditional VAE, which need not store the digit
    d_face: int = 6  # ... of the conditional VAE on faces
    batch: int = 64  # images a step
    naive_steps: int = 800  # the autoencoder
    steps: int = 4_000  # the VAE
    plane_steps: int = 1_800  # the VAE with two latent dimensions
    class_steps: int = 4_000  # the conditional VAE
    face_steps: int = 2_200  # the conditional VAE on faces
    break_steps: int = 500  # each network that we break on purpose
    faces: int = 20_000  # images
    scored: int = 5_000  # samples behind each number
    learning_rate: float = 2e-3


TIER = pick_tier()
SETTINGS = {
    "smoke": Settings(
        naive_steps=4, steps=6, plane_steps=4, class_steps=4, face_steps=3, break_steps=3, faces=400, scored=200
    ),
    "cpu": Settings(),
    "gpu": Settings(
        width=64, batch=256, naive_steps=2_000, steps=12_000, plane_steps=8_000, class_steps=10_000,
        face_steps=10_000, break_steps=2_000, faces=100_000, learning_rate=1e-3,
    ),
}[TIER]  # fmt: skip
device, precision = pick_device(), fast_precision()
torch.manual_seed(1)
print(f"tier {TIER} on {device}")

# %% [markdown]
# ## The data
#
# An image in this course is a tensor of float32 numbers in [-1, 1], with the axes (batch, channels, height, width).
# A digit has one channel and 28 x 28 pixels: 784 numbers. Nearly all points of that 784-dimensional space look like
# the noise of an old television. The digits lie on a thin sheet inside it. **To generate is to find that sheet and
# pick a point on it.**

# %%
train_set, test_set = digits("train"), digits("test")
batches = Batches(train_set, SETTINGS.batch, seed=0, device=device)
x_test = from_uint8(test_set["image"]).to(device)
y_test = test_set["label"].to(device)
x = batches.batch(0)["image"]
show(x[:16], alt="Sixteen handwritten digits, white on black", columns=16)
noise = torch.rand_like(x[:16]) * 2 - 1
show(noise, alt="Sixteen squares of grey noise: random points of the same space", columns=16)

# %% [markdown]
# ## The idea in one picture

# %%
show_diagram(
    "01_vae",
    alt="An image x goes into the encoder E, which gives the mean and the log-variance of a Gaussian; a code z is "
    "drawn from it with noise epsilon; the decoder D turns z into an image. Two forces: the reconstruction pulls the "
    "Gaussians apart, the KL term pulls each of them towards the standard normal.",
)


# %% [markdown]
# * The **encoder** E reads an image x and writes a **code** z: few numbers that say what is in the image.
# * The **decoder** D reads a code and draws an image.
# * All codes together live in the **latent space** ("latent" means hidden: nobody gives us the codes, the networks
#   invent them).
#
# If we knew which codes are sensible, we could pick one at random and decode it: a new digit that nobody wrote.
#
# ## The naive try
#
# Let us just train E and D to give back what they got, and then decode random codes. Here is a decoder for you to
# write; the encoder is its mirror image and is given.
#
# ### Exercise 1 · the decoder
#
# *difficulty 2 of 5 · importance 3 of 5 · 10 minutes*
#
# Turn a code of d numbers into one channel of 28 x 28 **logits** (numbers of any size; a sigmoid makes grey values of
# them, but that is done later). In this order:
#
# | layer | gives |
# |---|---|
# | linear, then ReLU | 64 · 7 · 7 numbers |
# | `nn.Unflatten` | 64 x 7 x 7 |
# | transposed convolution, kernel 3, stride 1, padding 1, then ReLU | 64 x 7 x 7 |
# | transposed convolution, kernel 4, stride 2, padding 1, then ReLU | 32 x 14 x 14 |
# | transposed convolution, kernel 4, stride 2, padding 1, **no** activation | 1 x 28 x 28 |
#
# <details><summary>Hint</summary>
#
# `nn.Sequential(nn.Linear(d, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 64, ...), ...)`.
# A transposed convolution with kernel 4, stride 2 and padding 1 doubles the side exactly.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-decoder", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_decoder(d: int) -> nn.Sequential:
    """Codes (b, d) -> logits (b, 1, 28, 28), with the layers of the table above."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/decoder is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-decoder-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
make_decoder = check("vae/decoder", make_decoder)

# %%
h = torch.zeros(1, 16)
for layer in make_decoder(16):
    h = layer(h)
    print(f"{type(layer).__name__:>16} -> {tuple(h.shape[1:])}")
print(f"{sum(p.numel() for p in make_decoder(16).parameters()):,} parameters")


# %% [markdown]
# Now the autoencoder, and its training written out by hand. Every training loop of this course is these five lines:
# a batch, a loss, forget the old gradients, compute new ones, take a step.
#
# The loss is the **Bernoulli** negative log-likelihood: we read a grey value of 0.8 as "white with probability 0.8",
# and ask how many **nats** (a nat is 1.44 bits) it costs to tell somebody the image when they already have the
# decoder's opinion. It is *summed* over the 784 pixels. Remember that sum. (This cell takes about 15 seconds.)

# %%
class Autoencoder(nn.Module):
    def __init__(self, d: int):
        super().__init__()
        self.encode = nn.Sequential(make_trunk(width=SETTINGS.width), nn.Linear(2 * SETTINGS.width * 49, d))
        self.decode = make_decoder(d)


def bernoulli_nll(logits: Images, x: Images) -> Float[Tensor, ""]:
    """Nats per image, averaged over the batch. x in [-1, 1] is moved to [0, 1] first."""
    return (
        F.binary_cross_entropy_with_logits(logits.float(), (x + 1) / 2, reduction="none")
        .sum((1, 2, 3))
        .mean()
    )


naive = place(Autoencoder(SETTINGS.d), device)
adam = torch.optim.Adam(naive.parameters(), lr=SETTINGS.learning_rate)
curve = []
for k in range(SETTINGS.naive_steps):
    x = batches.batch(k)["image"]
    with precision():  # bfloat16 where the hardware is quick at it; otherwise nothing
        loss = bernoulli_nll(naive.decode(naive.encode(x)), x)
    adam.zero_grad()
    loss.backward()
    adam.step()
    curve.append(loss.item())
plot_curves(
    {"reconstruction": curve},
    alt="The loss falls from 540 to below 100 nats per image",
    ylabel="nats per image",
)

# %% [markdown]
# The reconstructions are good. **Predict:** what will we see when we decode *random* codes z ~ N(0, I)?

# %% tags=["kept-picture"]
with evaluating(naive):
    rebuilt = bernoulli_mean(naive.decode(naive.encode(x_test[:16])))
    invented = bernoulli_mean(naive.decode(torch.randn(16, SETTINGS.d, device=device)))
    codes = naive.encode(x_test[:2000]).float()
show(
    torch.cat([x_test[:16], rebuilt]),
    alt="Top: sixteen test digits. Bottom: the same, rebuilt almost perfectly",
    columns=16,
)
show(
    invented,
    alt="Sixteen decoded random codes: broken strokes and blots, hardly a digit among them",
    columns=16,
)
print(
    f"real codes: mean of each dimension up to {codes.mean(0).abs().max():.1f}, standard deviation up to {codes.std(0).max():.1f}"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: sixteen test digits. Bottom: the same, rebuilt almost perfectly](pictures/01_vae/b800ed30-1-eb9fc5cc.webp)
#
# ![Sixteen decoded random codes: broken strokes and blots, hardly a digit among them](pictures/01_vae/b800ed30-2-fcaa25f2.webp)
#
# </details>

# %% [markdown]
# Blots. The decoder was never asked about those codes: the real ones lie elsewhere (see their mean and standard
# deviation: nothing like 0 and 1), in scattered islands, with deserts between them where nobody taught the decoder anything.
#
# Two repairs are needed, and together they *are* the VAE:
#
# 1. Let each image claim not a point but a **cloud** of codes, so that the decoder is taught everywhere in it.
# 2. Pull all the clouds towards **one known place**, the standard normal N(0, I), so that we know where to draw from.
#
# ## From one equation to the loss
#
# Say images are made in two steps: draw z ~ N(0, I), then draw x from the decoder's p(x|z). We want p(x) to be high for
# real images, but p(x) needs an integral over all z that nobody can do. The way out is to let the encoder guess, by
# a Gaussian q(z|x), which z could have made this x. Then for *any* q (eq. 1 and 2 of the paper):
#
# $$\log p(x) = \underbrace{\mathbb{E}_{q(z|x)}\big[\log p(x|z)\big]}_{\text{how well it is rebuilt}}
#  - \underbrace{\mathrm{KL}\big(q(z|x)\,\|\,p(z)\big)}_{\text{how far the cloud is from } N(0, I)}
#  + \underbrace{\mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big)}_{\text{how wrong the guess is, never} < 0}$$
#
# The last term cannot be computed either, but it is never negative. So the first two are a **lower bound** of the
# log-likelihood: the **ELBO** (evidence lower bound, eq. 3). Make the ELBO large, and you make p(x) large *and* the guess good.
#
# **KL** (Kullback-Leibler divergence) measures in nats how different two distributions are; it is 0 only if they are equal. And $\mathbb{E}_{q(z|x)}$ is the average over z drawn from q.
#
# Do not believe a derivation: compute it. In one dimension with p(z) = N(0, 1) and p(x|z) = N(w z, s²) everything is known
# in closed form, so each term of the equation can be evaluated. We take a deliberately bad guess q = N(m, v):

# %%
w, s2, x0 = torch.tensor([2.0, 0.5, 1.3], dtype=torch.float64)  # decoder's slope and noise, one "image"
m, v = torch.tensor([0.1, 0.4], dtype=torch.float64)  # a bad guess q = N(m, v)


def normal_kl(m, v, mean, variance):  # KL between two Gaussians of one dimension, in nats
    return 0.5 * ((v + (m - mean) ** 2) / variance - 1 + (variance / v).log())


evidence = torch.distributions.Normal(0, (w**2 + s2).sqrt()).log_prob(x0)  # x = w z + noise is Gaussian too
rebuilt_1d = -0.5 * (2 * torch.pi * s2).log() - ((x0 - w * m) ** 2 + w**2 * v) / (2 * s2)  # E_q log p(x|z)
to_prior = normal_kl(m, v, torch.zeros(()), torch.ones(()))
to_truth = normal_kl(m, v, w * x0 / (w**2 + s2), s2 / (w**2 + s2))  # the exact p(z|x) is Gaussian
print(f"log p(x)                     {evidence:9.6f}")
print(f"rebuilt - KL to prior        {rebuilt_1d - to_prior:9.6f}   the ELBO: below it")
print(f"ELBO + KL to the true p(z|x) {rebuilt_1d - to_prior + to_truth:9.6f}   equal again")


# %% [markdown]
# ### Exercise 2 · a draw that lets gradients through
#
# *difficulty 1 of 5 · importance 5 of 5 · 5 minutes*
#
# The encoder says `mean` and `logvar`, the logarithm of the variance (a network may say any number; a variance must
# be positive, so it says its logarithm). We need a random z from that Gaussian, *and* the gradient must find its
# way back to the encoder. The trick of section 2.4: draw the noise elsewhere, and let z be plain arithmetic (⊙ multiplies number by number).
#
# $$z = \mu + \sigma \odot \epsilon, \qquad \epsilon \sim N(0, I) \tag{10}$$
#
# <details><summary>Hint</summary>
#
# `torch.randn_like(mean)` gives the noise. σ is the *square root* of the variance: `exp(logvar)` is σ², so σ is `exp(logvar / 2)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-reparameterize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reparameterize(mean: Codes, logvar: Codes) -> Codes:
    """A draw of z ~ N(mean, exp(logvar)), one for each row: (b, d), (b, d) -> (b, d)."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/reparameterize is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-reparameterize-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
reparameterize = check("vae/reparameterize", reparameterize)


# %% [markdown]
# ### Exercise 3 · the KL term
#
# *difficulty 2 of 5 · importance 5 of 5 · 10 minutes*
#
# For two Gaussians the KL has a closed form. Between the cloud of one image and N(0, I) it is (appendix B)
#
# $$\mathrm{KL} = -\tfrac{1}{2} \sum_{j=1}^{d} \big(1 + \log \sigma_j^2 - \mu_j^2 - \sigma_j^2\big).$$
#
# Return one number for *each image*: the sum goes over the d dimensions, not over the batch.
#
# <details><summary>Hint</summary>
#
# `logvar` is log σ², and `logvar.exp()` is σ². `.sum(dim=1)` leaves one number a row.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-kl", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kl_to_standard_normal(mean: Codes, logvar: Codes) -> Float[Tensor, " b"]:
    """KL(N(mean, exp(logvar)) || N(0, I)) of each row, in nats: (b, d), (b, d) -> (b,)."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/kl is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-kl-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
kl_to_standard_normal = check("vae/kl", kl_to_standard_normal)


# %% [markdown]
# ### Exercise 4 · the loss
#
# *difficulty 3 of 5 · importance 5 of 5 · 10 minutes*
#
# Networks are trained by making something small, so we take minus the ELBO, as two named terms, both in **nats per
# image** and averaged over the batch:
#
# * `recon`: the Bernoulli negative log-likelihood of x, **summed** over the pixels (`bernoulli_nll` above);
# * `kl`: your KL.
#
# <details><summary>Hint</summary>
#
# Both are one line. The targets of the cross-entropy must be in [0, 1], our images are in [-1, 1]: `(x + 1) / 2`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-elbo", "locked": false, "schema_version": 3, "solution": true, "task": false}
def negative_elbo(logits: Images, x: Images, mean: Codes, logvar: Codes) -> Losses:
    """{"recon": ..., "kl": ...}: the two terms of -ELBO, each a scalar in nats per image."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/elbo is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-elbo-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
negative_elbo = check("vae/elbo", negative_elbo)


# %% [markdown]
# ## The VAE
#
# Your parts, put together. Compare with the autoencoder: the encoder's last layer says twice as many numbers, and
# between the encoder and the decoder stands `reparameterize`. That is all.

# %%
class VAE(nn.Module):
    def __init__(self, d: int, width: int = SETTINGS.width):
        super().__init__()
        self.d = d
        self.trunk = make_trunk(width=width)
        self.head = nn.Linear(2 * width * 49, 2 * d)
        self.decode = make_decoder(d)

    def encode(self, x: Images) -> tuple[Codes, Codes]:
        return split_gaussian(self.head(self.trunk(x)))  # mean and logvar, (b, d) each


def vae_loss(vae: VAE, x: Images) -> Losses:
    mean, logvar = vae.encode(x)
    z = reparameterize(mean, logvar)
    return negative_elbo(vae.decode(z), x, mean, logvar)


def sample(vae: VAE, n: int) -> Images:
    with evaluating(vae):
        return bernoulli_mean(vae.decode(torch.randn(n, vae.d, device=device)))


# %% [markdown]
# The library's `train` is the loop you saw above, written once for all lessons: a **player** is a name, a loss and an
# optimizer (a GAN will have two of them). It is a *generator*: it makes one step each time the `for` asks for one,
# so whatever you want to do at every step is the body of your own `for`. Is it really the same loop? Let us see:

# %%
def five_steps(use_train: bool) -> Tensor:
    torch.manual_seed(0)
    vae = VAE(4).to(device)
    adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
    if use_train:
        for _ in train(
            [Player("vae", lambda batch: vae_loss(vae, batch["image"]), adam)], batches.starting_at(0), 5
        ):
            pass
    else:
        for k in range(5):
            loss = sum(vae_loss(vae, batches.batch(k)["image"]).values())
            adam.zero_grad()
            loss.backward()
            adam.step()
    return torch.cat([p.detach().flatten() for p in vae.parameters()])


print("largest difference between the two:", (five_steps(True) - five_steps(False)).abs().max().item())

# %% [markdown]
# ## Your code, with trained weights
#
# Does it all fit together? You need not wait for a training to see it. The course brings the weights of this VAE, trained as
# you are about to train yours. `fill` puts them into *your* network, layer by layer, and from there
# on it is your decoder, your draw and your loss that run. **Predict:** one image, three draws from its cloud. How different are the three pictures?

# %% tags=["kept-picture"]
kept = load_pretrained("vae")
lent = place(VAE(kept.settings["d"], kept.settings["width"]), device)
fill(lent, kept, "vae", lambda net: net.decode(net.encode(x_test[:2])[0]))
torch.manual_seed(1)
with evaluating(lent):
    mean, logvar = lent.encode(x_test[:16])
    draws = [bernoulli_mean(lent.decode(reparameterize(mean, logvar))) for _ in range(3)]
    nats = {name: value.item() for name, value in vae_loss(lent, x_test[:2000]).items()}
show(
    torch.cat([x_test[:16], *draws, sample(lent, 32)]),
    alt="Top: sixteen test digits. Below, three rows: each digit rebuilt from three draws of its code, almost alike. At the "
    "bottom two rows of soft digits from random codes, most of which can be named, some of which are broken",
    columns=16,
)
print(
    f"{kept.kilobytes} kB of weights, trained and scored in {kept.record['processor_seconds']} processor seconds; "
    f"test images: recon {nats['recon']:.1f}, kl {nats['kl']:.1f} nats"
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: sixteen test digits. Below, three rows: each digit rebuilt from three draws of its code, almost alike. At the bottom two rows of soft digits from random codes, most of which can be named, some of which are broken](pictures/01_vae/5c8dad81-1-157ad70b.webp)
#
# </details>

# %% [markdown]
# The three draws differ in little: a stroke is a bit thicker or paler, a digit stays what it is. So an image claims only a small part of the space. The two rows at the bottom come from codes that no image claimed on purpose. Your own training, from fresh weights, should come near these numbers.
#
# ## The training
#
# Now the real training: about 65 processor seconds. The learning rate rises over the first 5 % of the steps and falls to almost 0 over the last 70 % (`warm_up_down`): large steps first, fine ones at the end. `watch` shows the losses and samples from *the same* 32 codes, so that you see each of them
# grow into a digit; the ■ button ends the training early and keeps what was learnt.
#
# **How to read the curves.** `recon` starts near 540 (every pixel undecided: 784 · ln 2 = 543) and falls fast. `kl` first
# *rises*: the encoder finds out that saying something about x is worth its price. A healthy VAE on digits ends near
# 76 + 24. If `kl` falls to 0, the codes say nothing: we will do that on purpose below.

# %% tags=["kept-picture"]
torch.manual_seed(1)
vae = place(VAE(SETTINGS.d), device)
z_fixed = torch.randn(32, SETTINGS.d, device=device)


def draw() -> Images:
    with evaluating(vae):
        return bernoulli_mean(vae.decode(z_fixed))


player = Player(
    "vae",
    lambda batch: vae_loss(vae, batch["image"]),
    torch.optim.Adam(vae.parameters(), lr=SETTINGS.learning_rate),
)
run = train([player], batches.starting_at(0), SETTINGS.steps, schedule=warm_up_down, precision=precision)
for step in watch(
    run, draw=draw, alt="Loss curves of the VAE, and digits decoded from 32 fixed random codes"
):
    pass  # your own code goes here, once per step

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![the losses after 4,000 steps (recon 80.94, kl 25.4); Loss curves of the VAE, and digits decoded from 32 fixed random codes, after 4,000 steps](pictures/01_vae/0d952e8b-1-70271b78.webp)
#
# </details>

# %% [markdown]
# Random codes, decoded: nobody ever wrote these digits.

# %% tags=["kept-picture"]
show(
    sample(vae, 64),
    alt="64 digits drawn by the VAE from random codes; most can be named, some are blurred",
    columns=16,
)


def report(vae: VAE, x: Images) -> dict[str, float]:
    """ELBO and its terms, in nats per image, and how many latent dimensions are in use."""
    with evaluating(vae):
        losses = {name: value.item() for name, value in vae_loss(vae, x).items()}
        mean, _ = vae.encode(x)
    in_use = int((mean.var(dim=0) > 0.01).sum())  # active units: Burda et al., arXiv:1509.00519, section 5.2
    return {"elbo": -sum(losses.values()), **losses, "units in use": in_use}


numbers = report(vae, x_test)
print("test images:", {name: round(value, 1) for name, value in numbers.items()})
print(
    f"so a digit costs at most {-numbers['elbo'] / torch.tensor(2.0).log():.0f} bits, where 784 pixels of pure noise cost 784"
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![64 digits drawn by the VAE from random codes; most can be named, some are blurred](pictures/01_vae/79b6de9f-1-96f6890f.webp)
#
# </details>

# %% [markdown]
# ### Exercise 5 · walking through the latent space
#
# *difficulty 1 of 5 · importance 3 of 5 · 5 minutes*
#
# Take the codes of two digits and walk from one to the other in a straight line. **Predict:** what lies half-way between
# a 1 and a 7 in latent space? And half-way between the two *images*?
#
# <details><summary>Hint</summary>
#
# `torch.linspace(0, 1, steps, device=a.device)` gives the shares t, where the codes are; each row is `(1 - t) * a + t * b`. `t[:, None]` makes a column of them.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-interpolate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interpolate(a: Float[Tensor, " d"], b: Float[Tensor, " d"], steps: int) -> Float[Tensor, "steps d"]:
    """`steps` points on the straight line from a to b, both ends included: (d,), (d,) -> (steps, d)."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/interpolate is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-interpolate-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
interpolate = check("vae/interpolate", interpolate)

# %% tags=["kept-picture"]
one, seven = x_test[y_test == 1][:1], x_test[y_test == 7][:1]
with evaluating(vae):
    ends, _ = vae.encode(torch.cat([one, seven]))
    in_codes = bernoulli_mean(vae.decode(interpolate(ends[0], ends[1], 12)))
in_pixels = interpolate(one.flatten(), seven.flatten(), 12).view(12, 1, 28, 28)
show(
    torch.cat([in_codes, in_pixels]),
    alt="Top: from a 1 to a 7 through the latent space, every step a plausible digit. Bottom: through pixels, a cross-fade",
    columns=12,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: from a 1 to a 7 through the latent space, every step a plausible digit. Bottom: through pixels, a cross-fade](pictures/01_vae/eb7c79ef-1-c7a7aebf.webp)
#
# </details>

# %% [markdown]
# ## Explore: a latent space that fits on a screen
#
# With d = 2 the whole latent space can be drawn. Left: where the encoder puts test images (colour is the digit). Right: what the decoder
# draws at each place. **Predict** before you look: which digits will be neighbours? (Half a minute.)

# %%
torch.manual_seed(2)
plane = place(VAE(2), device)
player = Player(
    "plane",
    lambda batch: vae_loss(plane, batch["image"]),
    torch.optim.Adam(plane.parameters(), lr=SETTINGS.learning_rate),
)
run = train(
    [player], batches.starting_at(0), SETTINGS.plane_steps, schedule=warm_up_down, precision=precision
)
for step in watch(run, alt="Loss curves of the VAE with two latent dimensions"):
    pass

# %% tags=["kept-picture"]
ticks = torch.linspace(-2.5, 2.5, 15, device=device)
grid = torch.cartesian_prod(-ticks, ticks).flip(1)  # rows from top to bottom, columns from left to right
with evaluating(plane):
    mean, _ = plane.encode(x_test[:3000])
    sheet = bernoulli_mean(plane.decode(grid)).view(15, 15, 28, 28).permute(0, 2, 1, 3).reshape(420, 420)
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.6), layout="constrained")
dots = left.scatter(*mean.cpu().T, c=y_test[:3000].cpu(), cmap="tab10", vmin=-0.5, vmax=9.5, s=3)
left.set(
    xlim=(-3.5, 3.5),
    ylim=(-3.5, 3.5),
    aspect="equal",
    xlabel="$z_1$",
    ylabel="$z_2$",
    title="where the encoder puts the digits",
)
fig.colorbar(dots, ticks=range(10), fraction=0.046)
right.imshow(sheet.cpu(), cmap="gray", extent=(-2.7, 2.7, -2.7, 2.7))
right.set(xlabel="$z_1$", ylabel="$z_2$", title="what the decoder draws there")
show_figure(
    fig,
    alt="Left: a cloud of dots; 0, 1 and 7 have places of their own at the rim, 4 and 9 share one, the others crowd in the middle. "
    "Right: a map of digits that change smoothly into each other",
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Left: a cloud of dots; 0, 1 and 7 have places of their own at the rim, 4 and 9 share one, the others crowd in the middle. Right: a map of digits that change smoothly into each other](pictures/01_vae/676cd302-1-e9d2b246.webp)
#
# </details>

# %% [markdown]
# 4 and 9 share a patch, with 7 beside it; 3, 5 and 8 lie on top of each other in the middle: digits that look alike get codes that lie near each other, though nobody told the
# encoder a label. Two numbers are too few to keep ten digits apart.

# %%
def at(z1: float, z2: float) -> Images:
    with evaluating(plane):
        return bernoulli_mean(plane.decode(torch.tensor([[z1, z2]], device=device)))


explore(
    at, z1=(-3.0, 3.0, 0.0), z2=(-3.0, 3.0, 0.0), alt="The digit at the place (z1, z2) of the latent plane"
)


# %% [markdown]
# ## The conditional VAE: draw the digit I ask for
#
# So far we cannot choose *which* digit comes. Let us tell both networks the label y: the encoder need not store it in z any more,
# so z is free for everything else, the *style*.
#
# ### Exercise 6 · append the label
#
# *difficulty 1 of 5 · importance 4 of 5 · 5 minutes*
#
# A label is a number from 0 to 9, but a 9 is not "nine times" a 1. So it is written **one-hot**: ten numbers, all 0 but a 1 in
# the place of the label; and appended to each row. (The training below takes a bit over a minute.)
#
# <details><summary>Hint</summary>
#
# `F.one_hot(label, classes)` gives integers; `torch.cat([...], dim=1)` wants the same type as h: `.to(h.dtype)`.
# </details>

# %% nbgrader={"grade": false, "grade_id": "vae-condition", "locked": false, "schema_version": 3, "solution": true, "task": false}
def append_label(h: Float[Tensor, "b d"], label: Labels, classes: int) -> Float[Tensor, "b d_plus_classes"]:
    """Each row of h followed by its label as a one-hot vector: (b, d), (b,) -> (b, d + classes)."""
    # YOUR CODE HERE
    raise NotImplementedError("vae/condition is yours to write")


# %% nbgrader={"grade": true, "grade_id": "vae-condition-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
append_label = check("vae/condition", append_label)


# %%
class ConditionalVAE(nn.Module):
    def __init__(self, d: int, classes: int = 10):
        super().__init__()
        self.d, self.classes = d, classes
        self.trunk = make_trunk(width=SETTINGS.width)
        self.head = nn.Linear(2 * SETTINGS.width * 49 + classes, 2 * d)
        self.decoder = make_decoder(d + classes)

    def encode(self, x: Images, label: Labels) -> tuple[Codes, Codes]:
        return split_gaussian(self.head(append_label(self.trunk(x), label, self.classes)))

    def decode(self, z: Codes, label: Labels) -> Images:
        return self.decoder(append_label(z, label, self.classes))


def cvae_loss(vae: ConditionalVAE, x: Images, label: Labels) -> Losses:
    mean, logvar = vae.encode(x, label)
    return negative_elbo(vae.decode(reparameterize(mean, logvar), label), x, mean, logvar)


torch.manual_seed(3)
cvae = place(ConditionalVAE(SETTINGS.d_class), device)
rows = torch.randn(4, 1, cvae.d, device=device).expand(4, 10, cvae.d).reshape(40, cvae.d)
every_digit = torch.arange(10, device=device).repeat(4)


def draw_classes() -> Images:
    with evaluating(cvae):
        return bernoulli_mean(cvae.decode(rows, every_digit))


player = Player(
    "cvae",
    lambda b: cvae_loss(cvae, b["image"], b["label"]),
    torch.optim.Adam(cvae.parameters(), lr=SETTINGS.learning_rate),
)
run = train(
    [player], batches.starting_at(0), SETTINGS.class_steps, schedule=warm_up_down, precision=precision
)
for step in watch(
    run,
    columns=10,
    draw=draw_classes,
    alt="Loss curves of the conditional VAE, and its digits 0 to 9 in four styles",
):
    pass

# %% [markdown]
# One row is one z, ten labels. **Look:** does the slant of the 1 come back in the 4 and the 7 of its row? That is what "z is the style" means.

# %% tags=["kept-picture"]
show(
    draw_classes(),
    alt="Four rows of the digits 0 to 9; within a row slant and thickness are the same",
    columns=10,
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Four rows of the digits 0 to 9; within a row slant and thickness are the same](pictures/01_vae/4337504a-1-7de29094.webp)
#
# </details>

# %% [markdown]
# ## The same idea on faces
#
# Faces have colours, and a colour is not the probability of anything. So the decoder is now the mean of a **Gaussian** with
# one variance σ² for all pixels. The value of σ² that makes the loss smallest is the mean squared error itself, so
# it is not a number to tune ([arXiv:2006.13202](https://arxiv.org/abs/2006.13202)). Put it in, and the reconstruction term becomes
# (n/2) log(2πe · MSE), with n = 3 · 32 · 32. (It may be negative: a *density* can be above 1, and minus its logarithm below 0. Do not compare it with the digits' nats.) The rest is the same code, and takes about a minute.
#
# The condition is a whole description: seven attributes, each one-hot, side by side. What is left for z? **Predict** it.

# %%
def describe(people: dict[str, Tensor]) -> Float[Tensor, "b conditions"]:
    """Seven one-hot vectors in a row: skin, hair colour, hair style, mouth, glasses, hat, background."""
    return torch.cat(
        [library.one_hot(people[name], len(values)) for name, values in ATTRIBUTES.items()], dim=1
    )


face_batches = Batches(faces(SETTINGS.faces, seed=0), SETTINGS.batch, seed=0, device=device)
strangers = faces(10, seed=1)  # people of another seed: never seen in training
wanted = describe(strangers).to(device)
torch.manual_seed(4)
face_vae = place(
    library.ConditionalVAE(SETTINGS.d_face, wanted.shape[1], channels=3, size=32, width=SETTINGS.width),
    device,
)
face_z = torch.randn(4, 1, SETTINGS.d_face, device=device).expand(4, 10, SETTINGS.d_face).reshape(40, -1)


def draw_faces() -> Images:
    return library.sample_cvae(face_vae, wanted.repeat(4, 1), to_image=gaussian_mean, z=face_z)


player = library.cvae_player(face_vae, SETTINGS.learning_rate, library.gaussian_negative_elbo, describe)
run = train([player], face_batches, SETTINGS.face_steps, schedule=warm_up_down, precision=precision)
for step in watch(
    run, columns=10, draw=draw_faces, alt="Loss curves of the conditional VAE on faces, and its samples"
):
    pass

# %% [markdown]
# Top: ten people whom the network has never seen. Below: what it draws from their *descriptions* alone, each row with another z.

# %% tags=["kept-picture"]
print("the first is", caption(strangers, 0))
show(
    torch.cat([from_uint8(strangers["image"]).to(device), draw_faces()]),
    alt="Top: ten drawn faces. Below, four rows of soft faces with the hat, skin and background of the face above them; "
    "glasses are grey bars, short hair often has the wrong colour; shirt and pose differ from row to row",
    columns=10,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: ten drawn faces. Below, four rows of soft faces with the hat, skin and background of the face above them; glasses are grey bars, short hair often has the wrong colour; shirt and pose differ from row to row](pictures/01_vae/bfa2d299-1-2e3f929f.webp)
#
# </details>

# %% [markdown]
# So z holds what the description does not say: the colour of the shirt, where the head is turned, its shape. Large things obey the description; small or rare ones
# (short hair without a hat, round glasses, the mouth) are averaged away. Now change one word of one description:

# %% tags=["kept-picture"]
one_person = {name: values[:1].expand(5).clone() for name, values in strangers.items() if name in ATTRIBUTES}
one_person["hair_colour"] = torch.arange(5)
same_z = torch.zeros(5, SETTINGS.d_face, device=device)
show(
    library.sample_cvae(face_vae, describe(one_person), to_image=gaussian_mean, z=same_z),
    alt="The same person five times, with black, brown, blond, red and white hair",
    columns=5,
    labels=list(ATTRIBUTES["hair_colour"]),
)


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![The same person five times, with black, brown, blond, red and white hair](pictures/01_vae/367819d9-1-79f26ea7.webp)
#
# </details>

# %% [markdown]
# A VAE's pictures are soft. That is no accident: where several images are possible, the squared error (and the Bernoulli loss) is
# smallest at their *average*, and an average of sharp faces is a blurred one. Lessons 02 and 03 mend that with an opponent that
# is not fooled by averages.
#
# ## Break it on purpose
#
# One number rules a VAE: the weight β of the KL term. With β = 1 it is the ELBO. **Predict** what happens to the samples, to
# `kl` and to the number of latent dimensions in use when β is far too small, and when it is far too large.
#
# The last row is the most common mistake in published VAE code: take the *mean* over pixels instead of the sum.
# It looks harmless. It makes the KL 784 times too strong. (Four short trainings: half a minute.)

# %%
def broken(beta: float) -> tuple[VAE, dict[str, float]]:
    torch.manual_seed(5)
    net = place(VAE(SETTINGS.d), device)

    def loss(batch):
        losses = vae_loss(net, batch["image"])
        return {"recon": losses["recon"], "kl": beta * losses["kl"]}

    player = Player("vae", loss, torch.optim.Adam(net.parameters(), lr=SETTINGS.learning_rate))
    for _ in train(
        [player], batches.starting_at(0), SETTINGS.break_steps, schedule=warm_up_down, precision=precision
    ):
        pass
    return net, report(net, x_test[:2000])


cases = {
    "0.01, far too small": 0.01,
    "1, the ELBO": 1.0,
    "10, too large": 10.0,
    "784, mean over pixels": 784.0,
}
results = {name: broken(beta) for name, beta in cases.items()}
print(f"{'beta':>24} {'recon':>7} {'kl':>7} {'in use':>7}")
for name, (_, r) in results.items():
    print(f"{name:>24} {r['recon']:7.1f} {r['kl']:7.1f} {r['units in use']:4d}/{SETTINGS.d}")

# %% tags=["kept-picture"]
for name, (net, _) in results.items():
    show(
        sample(net, 16),
        title=f"beta = {name}",
        alt=f"Sixteen samples of a VAE trained with beta = {name}",
        columns=16,
    )


# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Sixteen samples of a VAE trained with beta = 0.01, far too small](pictures/01_vae/bffdc5e6-1-472f01ab.webp)
#
# ![Sixteen samples of a VAE trained with beta = 1, the ELBO](pictures/01_vae/bffdc5e6-2-d8e9ff92.webp)
#
# ![Sixteen samples of a VAE trained with beta = 10, too large](pictures/01_vae/bffdc5e6-3-a2dca40c.webp)
#
# ![Sixteen samples of a VAE trained with beta = 784, mean over pixels](pictures/01_vae/bffdc5e6-4-da13413b.webp)
#
# </details>

# %% [markdown]
# * **β far too small:** the clouds shrink to points, and we are back at the naive autoencoder: codes that cost 109 nats, and broken samples.
# * **β too large:** every nat costs ten. The codes keep only the crudest facts (thick or thin, round or straight), and the samples
#   are averages. Note that `kl` gives it away, while every dimension still counts as "in use": watch the nats, not the count.
# * **Mean over pixels:** `kl` is 0, no dimension is in use, and every sample is the same grey average of all digits. This is
#   **posterior collapse**: q(z|x) has become N(0, I) for every x, so z says nothing about x, and the decoder learnt to ignore it.
#
# ## Measure it
#
# A picture can flatter; a number must say what it is of. **FID** (Fréchet inception distance, lesson 00) compares 84
# features of a small digit classifier over many images: 0 is perfect, "real v real" is what other real digits get.
# **Precision**: how many samples look real. **Recall**: how much of the real variety is there. Which of the two do you expect to
# suffer from blur? (15,000 samples are scored: about 20 seconds.)

# %%
def label_and_sample(n: int) -> tuple[Labels, Images]:
    label = torch.randint(0, 10, (n,), device=device)
    with evaluating(cvae):
        return label, bernoulli_mean(cvae.decode(torch.randn(n, cvae.d, device=device), label))


models = {"autoencoder": naive, "VAE": vae, "conditional VAE": cvae}
samplers = {
    "autoencoder": lambda n: bernoulli_mean(naive.decode(torch.randn(n, SETTINGS.d, device=device))),
    "VAE": lambda n: sample(vae, n),
    "conditional VAE": lambda n: label_and_sample(n)[1],
}
scores = {
    name: evaluate(sampler, reference="digits", n=SETTINGS.scored) for name, sampler in samplers.items()
}
display(Markdown(score_table(scores)))
for name, net in models.items():
    print(f"{name:>16}: {sum(p.numel() for p in net.parameters()):,} parameters")
wanted, drawn = label_and_sample(SETTINGS.scored)
print(
    "the classifier reads the digit that was asked for:",
    conditional_accuracy(drawn, wanted, digits_extractor(device)),
)

# %% [markdown]
# **Read the rows**, of the run kept here. The autoencoder's blots reach almost no real digit: recall 0.004. The two VAEs are far better, and far from the floor. *Both*
# numbers suffer from blur: soft strokes are not real strokes, and unusual digits are averaged away. But do not read precision alone. It asks whether a sample lies as near to some real
# digit as that one's third neighbour does, and a lonely digit's third neighbour is far: lesson 00's unreadable smoke got 0.72 that way (lesson 08 shows why).
#
# And the label is obeyed in 77 of 100 cases only. Look at the 1s above: z ~ N(0, I) asks for styles, wide and round, that probably no 1 in the data has, and a decoder is not taught
# what it never meets.
#
# Is the VAE inventing, or did it learn its training images by heart? Under each sample: the training image nearest to it, pixel by pixel.

# %% tags=["kept-picture"]
invented = sample(vae, 12)
closest = nearest_images(invented.cpu(), train_set["image"])
show(
    torch.cat([invented.cpu(), from_uint8(train_set["image"][closest.index[:, 0]])]),
    alt="Top: twelve samples. Bottom: the training image nearest to each; alike in shape, never the same",
    columns=12,
)

# %% [markdown]
# <details>
# <summary>You should now see something like this</summary>
#
# ![Top: twelve samples. Bottom: the training image nearest to each; alike in shape, never the same](pictures/01_vae/bdf074f0-1-0c9131b5.webp)
#
# </details>

# %% [markdown]
# ## What to take away
#
# * An autoencoder compresses; it does not generate, because nobody knows where its codes are.
# * A VAE maximises a lower bound of log p(x): rebuild well, and stay near N(0, I). Both terms are in nats and need no weight.
# * The draw is written as arithmetic on outside noise, so that gradients pass.
# * A label given to both networks leaves only the style to z.
# * Blur is the price of a loss that averages.
#
# **To think over.** (1) Why is `logvar` predicted and not the variance? (2) The KL term is averaged over images, never over dimensions. What would the
# second do? (3) A friend reports "loss 0.09" for a VAE on MNIST. What do you ask? (4) If the decoder could draw any image without z, what would the
# best encoder say?
#
# **What can go wrong in the world.** A generator repeats the habits of its data: what is rare in training is blurred or missing in the samples,
# and with faces "rare" means people. Reconstructions of a VAE are guesses: never use one as evidence of what an image "really" showed.
# Latent codes of people's photographs are personal data too, for they can be decoded. Our faces are drawn by a program; nobody's photograph is in this lesson.
#
# **References.** Kingma and Welling 2014, arXiv:1312.6114 · Rezende, Mohamed and Wierstra 2014, arXiv:1401.4082 · Sohn, Lee and Yan 2015 (conditional VAE) ·
# Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519 (active units) · Higgins et al. 2017 (β-VAE) · Rybkin, Daniilidis and Levine 2021, arXiv:2006.13202 ·
# Lucas et al. 2019, arXiv:1911.02469 (posterior collapse).
