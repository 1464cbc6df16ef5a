"""gan/step: Algorithm 1 written by hand, with k = 1 and plain gradient descent."""

import torch
import torch.nn.functional as F

from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.gans.draws import generator, pick, small_discriminator


def play(G, D, x, z, learning_rate):
    """A round for each x[k] and z[k]: D moves, then G; -> (rounds, 2), the loss of D and of G in each."""
    move_D = torch.optim.SGD(D.parameters(), lr=learning_rate)
    move_G = torch.optim.SGD(G.parameters(), lr=learning_rate)
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        loss_D = d_loss(D(x_k), D(G(z_k).detach()))
        move_D.zero_grad()
        loss_D.backward()
        move_D.step()
        loss_G = g_loss(D(G(z_k)))
        move_G.zero_grad()
        loss_G.backward()
        move_G.step()
        curve.append(torch.stack([loss_D.detach(), loss_G.detach()]))
    return torch.stack(curve)


def d_loss(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def g_loss(fake):
    return F.softplus(-fake).mean()


def rounds(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(steps, b, n, d):
        return {
            # Two layers: with one, what G remembers of earlier moves is too little to be heard.
            "G": Network((("Linear", d, 6), ("Tanh",), ("Linear", 6, n)), seed),
            "D": small_discriminator(n, seed + 1),
            "x": torch.randn(steps, b, n, generator=g) + 1,
            "z": torch.randn(steps, b, d, generator=g),
            "learning_rate": 0.5,
        }

    data = ("x", "z")
    return [
        Case("three rounds", draw(3, pick(4, 6, g), 3, 2), seed, data),
    ]


STEP = Exercise("gan/step", points=3, reference=play, inputs=rounds)


def descend(loss, net, learning_rate):
    """One step of gradient descent without an optimizer."""
    weights = list(net.parameters())
    gradients = torch.autograd.grad(loss, weights)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= learning_rate * gradient


@STEP.accept
def play_without_optimizers(G, D, x, z, learning_rate):
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        a = d_loss(D(x_k), D(G(z_k).detach()))
        descend(a, D, learning_rate)
        b = g_loss(D(G(z_k)))
        descend(b, G, learning_rate)
        curve.append([a.item(), b.item()])
    return torch.tensor(curve)


@STEP.accept
def play_with_no_grad(G, D, x, z, learning_rate):
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        with torch.no_grad():
            fake = G(z_k)
        a = d_loss(D(x_k), D(fake))
        descend(a, D, learning_rate)
        b = g_loss(D(G(z_k)))
        descend(b, G, learning_rate)
        curve += [a.detach(), b.detach()]
    return torch.stack(curve).view(-1, 2)


@STEP.accept
def play_with_the_same_fakes(G, D, x, z, learning_rate):
    move_D = torch.optim.SGD(D.parameters(), learning_rate)
    move_G = torch.optim.SGD(G.parameters(), learning_rate)
    out = torch.zeros(len(x), 2)
    for k in range(len(x)):
        fake = G(z[k])
        bce = F.binary_cross_entropy_with_logits
        real, judged = D(x[k]), D(fake.detach())
        a = bce(real, torch.ones_like(real)) + bce(judged, torch.zeros_like(judged))
        move_D.zero_grad()
        a.backward()
        move_D.step()
        judged = D(fake)
        b = bce(judged, torch.ones_like(judged))
        move_G.zero_grad()
        b.backward()
        move_G.step()
        out[k, 0], out[k, 1] = a.item(), b.item()
    return out


def play_wrongly(G, D, x, z, learning_rate, loss_D=d_loss, loss_G=g_loss, moved_by_G=(), moves_of_D=1):
    """Algorithm 1 with another loss, another set of movers or another k."""
    everything = [*G.parameters(), *D.parameters()]
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        for _ in range(moves_of_D):
            a = loss_D(D(x_k), D(G(z_k).detach()))
            clear(everything)
            a.backward()
            apply(D.parameters(), learning_rate)
        b = loss_G(D(G(z_k)))
        clear(everything)
        b.backward()
        apply([*G.parameters(), *moved_by_G], learning_rate)
        curve.append([a.item(), b.item()])
    return torch.tensor(curve)


def play_unforgetting(G, D, x, z, learning_rate, fakes_of_D, forget_D, forget_G):
    """Algorithm 1 where some gradients are not set to zero before a move."""
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        a = d_loss(D(x_k), D(fakes_of_D(G(z_k))))
        clear([*forget_D, *(G.parameters() if forget_G == "before D" else ())])
        a.backward()
        apply(D.parameters(), learning_rate)
        b = g_loss(D(G(z_k)))
        clear(G.parameters() if forget_G == "before G" else ())
        b.backward()
        apply(G.parameters(), learning_rate)
        curve.append([a.item(), b.item()])
    return torch.tensor(curve)


def clear(weights):
    for weight in weights:
        weight.grad = None


@torch.no_grad()
def apply(weights, learning_rate):
    for weight in weights:
        if weight.grad is not None:
            weight -= learning_rate * weight.grad


@STEP.mistake
def play_with_g_first(G, D, x, z, learning_rate):
    """G moves before D. In Algorithm 1 D moves first, and G then faces the D that has just learned."""
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        b = g_loss(D(G(z_k)))
        descend(b, G, learning_rate)
        a = d_loss(D(x_k), D(G(z_k).detach()))
        descend(a, D, learning_rate)
        curve.append([a.item(), b.item()])
    return torch.tensor(curve)


@STEP.mistake
def play_at_once(G, D, x, z, learning_rate):
    """Both losses are taken before anybody moves. G's loss must come from the D that has just moved: judge
    the fakes again after D's step."""
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        a, b = d_loss(D(x_k), D(G(z_k).detach())), g_loss(D(G(z_k)))
        clear([*G.parameters(), *D.parameters()])
        b.backward()
        clear(D.parameters())
        a.backward()
        apply([*G.parameters(), *D.parameters()], learning_rate)
        curve.append([a.item(), b.item()])
    return torch.tensor(curve)


@STEP.mistake
def play_without_detach(G, D, x, z, learning_rate):
    """D's backward pass also filled G's gradients, and they were still there in G's step. Detach the fakes in
    D's turn, D(G(z).detach()), and zero G's gradients in G's own."""
    return play_unforgetting(G, D, x, z, learning_rate, lambda fake: fake, list(D.parameters()), "before D")


@STEP.mistake
def play_with_detached_g(G, D, x, z, learning_rate):
    """G never moves: its fakes are detached in its own turn too, so no gradient comes back through D. Detach
    in D's turn only."""
    curve = []
    for x_k, z_k in zip(x, z, strict=True):
        fake = G(z_k).detach()
        a = d_loss(D(x_k), D(fake))
        descend(a, D, learning_rate)
        curve.append([a.item(), g_loss(D(fake)).item()])
    return torch.tensor(curve)


@STEP.mistake
def play_with_memory(G, D, x, z, learning_rate):
    """The gradients of earlier moves are still there: backward() adds to .grad. Call zero_grad() of the
    mover's optimizer before each backward()."""
    return play_unforgetting(G, D, x, z, learning_rate, torch.Tensor.detach, [], "never")


@STEP.mistake
def play_with_leftovers_for_d(G, D, x, z, learning_rate):
    """D's step uses what G's turn left in D's gradients: backward() went through D then. Zero D's gradients
    before D's backward()."""
    return play_unforgetting(G, D, x, z, learning_rate, torch.Tensor.detach, [], "before G")


@STEP.mistake
def play_with_memory_of_g(G, D, x, z, learning_rate):
    """G's step still holds the gradients of its earlier moves: backward() adds to .grad. Zero G's gradients
    before G's backward()."""
    return play_unforgetting(G, D, x, z, learning_rate, torch.Tensor.detach, list(D.parameters()), "never")


@STEP.mistake
def play_where_g_moves_d(G, D, x, z, learning_rate):
    """G's optimizer moves D too, and in G's turn that makes D worse at its job. Give it G's parameters
    only."""
    return play_wrongly(G, D, x, z, learning_rate, moved_by_G=tuple(D.parameters()))


@STEP.mistake
def play_with_swapped_labels(G, D, x, z, learning_rate):
    """D's labels are swapped: it learns to call real images fake. The label of x is 1, that of G(z) is 0."""
    return play_wrongly(G, D, x, z, learning_rate, loss_D=lambda real, fake: d_loss(fake, real))


@STEP.mistake
def play_with_g_against_itself(G, D, x, z, learning_rate):
    """G minimises the loss that makes its fakes look fake. In G's turn the label of G(z) is 1."""
    return play_wrongly(G, D, x, z, learning_rate, loss_G=lambda fake: F.softplus(fake).mean())


@STEP.mistake
def play_with_saturating_g(G, D, x, z, learning_rate):
    """G minimises log(1 - D(G(z))), the saturating loss. Here it is the non-saturating one, -log D(G(z))."""
    return play_wrongly(G, D, x, z, learning_rate, loss_G=lambda fake: -F.softplus(fake).mean())


@STEP.mistake
def play_with_two_moves_of_d(G, D, x, z, learning_rate):
    """D moves twice before each move of G (k = 2). Here k = 1."""
    return play_wrongly(G, D, x, z, learning_rate, moves_of_D=2)


@STEP.mistake
def play_without_real_images(G, D, x, z, learning_rate):
    """D never sees a real image: its loss has two terms, one for x and one for the fakes."""
    return play_wrongly(G, D, x, z, learning_rate, loss_D=lambda real, fake: F.softplus(fake).mean())
