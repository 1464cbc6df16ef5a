"""ddpm/loss: L_simple (Ho et al., arXiv:2006.11239, eq. 14) on points, with t and eps drawn afresh."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.checks.ddpm.draws import noise
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, Network, cotangent
from course_lib.checks.observe import Observation


def ddpm_loss(net, x0, abar):
    """{"noise": ...}: the mean squared error of the guessed noise; net sees a point of (b, n) and t / T."""
    steps = len(abar) - 1
    t = torch.randint(1, steps + 1, (len(x0),))
    eps = torch.randn_like(x0)
    return loss_of(net, x0, abar, t, eps)


def noisy(x0, abar, t, eps):
    a = abar[t][:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


def loss_of(net, x0, abar, t, eps, told=None, target=None, seen=None, measure=F.mse_loss):
    """L_simple where each place may have something else: the time told, the target, the point seen."""
    xt = noisy(x0, abar, t, eps) if seen is None else seen
    told = t / (len(abar) - 1) if told is None else told
    return {"noise": measure(net(torch.cat([xt, told[:, None]], dim=1)), eps if target is None else target)}


def points_and_networks(seed: int) -> list[Case]:
    """Three steps that differ so much that a t which is missing, or drawn once, is seen in the gradients."""
    g = generator(seed)

    def draw(b, n, abar):
        return {
            "net": Network((("Linear", n + 1, n),), NETWORKS[n]),
            "x0": 0.8 * noise(b, n, g=g) + 0.5,
            "abar": torch.tensor(abar),
        }

    data = ("x0", "abar")
    few = draw(pick(3, 6, g), 3, [1.0, 0.8, 0.5])
    return [
        Case("many points", draw(8192, 2, [1.0, 0.91, 0.88, 0.0]), seed, data, calls=2),
        Case("a handful of points", few, seed + 1, data),
    ]


NETWORKS = {2: 3222, 3: 0}  # seeds of networks to which the time matters


def moments(case: Case, seen: Observation) -> dict[str, Tensor]:
    """Of many points: the loss and what it teaches, all averages, and what another call changes."""
    loss, gradients = seen.outputs["noise"].double(), seen.gradients.get("noise", {})
    if not seen.again:
        return {"the share of the network's weights that learn": torch.tensor(len(gradients) / 2)}
    change = seen.again["noise"].double() - loss
    found = {
        "the loss": loss,
        "half the change of the loss from one call to the next": change / 2,  # the whole has 0.036 by chance
        "how often the second call differs from the first": (change.abs() > 1e-6).double(),
    }
    along = cotangent(loss.shape, case.seed).double()  # each gradient comes multiplied by this number
    for name, shape in (("0.weight", (2, 3)), ("0.bias", (2,))):
        gradient = gradients.get(f"net.{name}", torch.zeros(shape))
        found[f"the gradient with respect to net.{name}"] = gradient.double() / along
    return found


LOSS = Exercise(
    "ddpm/loss",
    points=3,
    reference=ddpm_loss,
    inputs=points_and_networks,
    statistics=moments,
    tolerance=0.03,
    absolute=0.12,  # three standard errors and more of averages over 8,192 points
)


@LOSS.accept
def loss_by_squares(net, x0, abar):
    b, n = x0.shape
    t = torch.randint(1, len(abar), (b,))
    eps = torch.randn(b, n)
    a = abar[t].unsqueeze(1)
    guess = net(
        torch.hstack([torch.sqrt(a) * x0 + torch.sqrt(1 - a) * eps, t.unsqueeze(1) / (len(abar) - 1)])
    )
    return {"noise": ((guess - eps) ** 2).mean()}


@LOSS.accept
def loss_by_rows(net, x0, abar):
    steps = abar.shape[0] - 1
    eps = torch.normal(0.0, 1.0, x0.shape)
    t = 1 + (torch.rand(len(x0)) * steps).long()
    guess = net(torch.cat([noisy(x0, abar, t, eps), (t.float() / steps).view(-1, 1)], -1))
    return {"noise": (eps - guess).square().mean(dim=1).mean()}


@LOSS.accept
def loss_by_shuffled_steps(net, x0, abar):
    steps = len(abar) - 1
    t = 1 + torch.randperm(len(x0)) % steps  # each step equally often
    return loss_of(net, x0, abar, t, torch.empty_like(x0).normal_())


def fresh(x0, abar):
    """t for each row, and eps."""
    return torch.randint(1, len(abar), (len(x0),)), torch.randn_like(x0)


@LOSS.mistake
def loss_at_one_step(net, x0, abar):
    """t is drawn once for the whole batch, so a batch teaches one step only and the gradients jump. Draw one
    for each image: torch.randint(1, T + 1, (len(x0),))."""
    t = torch.randint(1, len(abar), (1,)).expand(len(x0))
    return loss_of(net, x0, abar, t, torch.randn_like(x0))


@LOSS.mistake
def loss_from_step_zero(net, x0, abar):
    """t runs from 0 to T - 1. At t = 0 there is no noise to guess, and T, where sampling begins, is never
    learnt: torch.randint(1, T + 1, ...), the upper end is excluded."""
    _, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, torch.randint(0, len(abar) - 1, (len(x0),)), eps)


@LOSS.mistake
def loss_including_step_zero(net, x0, abar):
    """t = 0 is drawn too, the clean image: there is no noise to guess in it. Draw from 1 to T."""
    _, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, torch.randint(0, len(abar), (len(x0),)), eps)


@LOSS.mistake
def loss_without_the_last_step(net, x0, abar):
    """The last step T is never drawn, and sampling begins just there: torch.randint excludes its upper end,
    so write T + 1."""
    _, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, torch.randint(1, len(abar) - 1, (len(x0),)), eps)


@LOSS.mistake
def loss_of_images(net, x0, abar):
    """The target is x0: you train the network to say the image. Here it says the noise, so compare with
    eps."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, target=x0)


@LOSS.mistake
def loss_of_other_noise(net, x0, abar):
    """The target is not the noise that is in x_t: eps was drawn twice. Draw it once, and use it both to make
    x_t and as the target."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, target=torch.randn_like(x0))


@LOSS.mistake
def loss_of_unseen_noise(net, x0, abar):
    """The network sees the clean x0. It must see x_t, the image with the noise in it: add_noise(x0, t, eps,
    abar)."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, seen=x0)


@LOSS.mistake
def loss_of_noise_alone(net, x0, abar):
    """The network sees the noise itself, which it then only needs to copy. It must see x_t: add_noise(x0, t,
    eps, abar)."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, seen=eps)


@LOSS.mistake
def loss_with_one_noise(net, x0, abar):
    """All images of the batch get the same noise. Draw eps with the shape of x0: torch.randn_like(x0)."""
    t, _ = fresh(x0, abar)
    return loss_of(net, x0, abar, t, torch.randn(1, x0.shape[1]).expand_as(x0))


@LOSS.mistake
def loss_with_uniform_noise(net, x0, abar):
    """The noise is uniform in [0, 1) (torch.rand). eps is standard normal: torch.randn, with an n."""
    t, _ = fresh(x0, abar)
    return loss_of(net, x0, abar, t, torch.rand_like(x0))


@LOSS.mistake
def loss_with_old_noise(net, x0, abar):
    """t and eps are the same at every call: drawn once, or seeded inside the function. Draw new ones each
    time, or the network learns those by heart."""
    g = generator(0)
    t = torch.randint(1, len(abar), (len(x0),), generator=g)
    return loss_of(net, x0, abar, t, torch.randn(x0.shape, generator=g))


@LOSS.mistake
def loss_summed(net, x0, abar):
    """The squares are summed. L_simple is their mean, so that the learning rate need not know the size of
    batch and image."""
    return loss_of(net, x0, abar, *fresh(x0, abar), measure=lambda a, b: (a - b).square().sum())


@LOSS.mistake
def loss_summed_in_each_row(net, x0, abar):
    """The squares are summed over each image and averaged over the batch. Here it is the mean over
    everything."""
    return loss_of(net, x0, abar, *fresh(x0, abar), measure=lambda a, b: (a - b).square().sum(1).mean())


@LOSS.mistake
def loss_of_absolute_errors(net, x0, abar):
    """The errors are not squared. L_simple is a squared error: its best guess is the mean of all possible
    noises, which is what the sampler needs."""
    return loss_of(net, x0, abar, *fresh(x0, abar), measure=F.l1_loss)


@LOSS.mistake
def loss_with_a_root(net, x0, abar):
    """You take the square root of the mean square. Leave it out: L_simple is the mean square itself."""
    return loss_of(net, x0, abar, *fresh(x0, abar), measure=lambda a, b: F.mse_loss(a, b).sqrt())


@LOSS.mistake
def loss_told_the_step_number(net, x0, abar):
    """The network is told t itself, up to T. Tell it t / T, in [0, 1], beside points of about the same
    size."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, told=t.float())


@LOSS.mistake
def loss_told_the_step_before(net, x0, abar):
    """The network is told (t - 1) / T. The sampler will tell it t / T: the two must agree."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, told=(t - 1) / (len(abar) - 1))


@LOSS.mistake
def loss_without_time(net, x0, abar):
    """The network is told 0 for every t. It has to know how much noise there is: t / T in the last column."""
    t, eps = fresh(x0, abar)
    return loss_of(net, x0, abar, t, eps, told=0.0 * t)


@LOSS.mistake
def loss_without_gradient(net, x0, abar):
    """The loss is right, but no gradient leads back to the network (no_grad, detach or .item()), so nothing
    is learnt."""
    with torch.no_grad():
        return ddpm_loss(net, x0, abar)
