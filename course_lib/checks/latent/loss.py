"""latent/loss: noise and loss as in lesson 06, but of codes, and the encoder learns nothing."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, Network


def latent_loss(net, encode, x, scale, abar, eps):
    """The mean squared error of v, for codes scale * encode(x) at noise levels abar (b,)."""
    with torch.no_grad():
        z = scale * encode(x)
    signal, noise = abar.sqrt()[:, None, None, None], (1 - abar).sqrt()[:, None, None, None]
    return (net(signal * z + noise * eps) - (signal * eps - noise * z)).square().mean()


def pictures_to_encode(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, side, scale, low=0.2, high=0.9):
        return {
            "net": Network((("Conv2d", 2, 2, 1),), seed),
            "encode": Network((("Conv2d", 1, 2, 2, 2),), seed + 1),
            "x": 2 * torch.rand(b, 1, 2 * side, 2 * side, generator=g) - 1,
            "scale": scale,
            "abar": low + (high - low) * torch.rand(b, generator=g),
            "eps": torch.randn(b, 2, side, side, generator=g),
        }

    data = ("x", "abar", "eps")
    return [
        Case("a small batch", draw(pick(3, 4, g), 2, 0.3), seed, data),
        Case("a batch of one", draw(1, 2, 2.5, 0.3, 0.7), seed + 1, data),
    ]


LOSS = Exercise("latent/loss", points=3, reference=latent_loss, inputs=pictures_to_encode)


def four(a):
    return a.view(-1, 1, 1, 1)


def mix(z, eps, abar):
    return four(abar).sqrt() * z + four(1 - abar).sqrt() * eps


def v_of(z, eps, abar):
    return four(abar).sqrt() * eps - four(1 - abar).sqrt() * z


@LOSS.accept
def loss_with_detach(net, encode, x, scale, abar, eps):
    z = encode(x).detach() * scale
    error = net(mix(z, eps, abar)) - v_of(z, eps, abar)
    return (error**2).mean()


@LOSS.accept
def loss_by_mse(net, encode, x, scale, abar, eps):
    with torch.no_grad():
        z = encode(x).mul(scale)
        a, s = four(abar) ** 0.5, four(1 - abar) ** 0.5
        z_t, v = a * z + s * eps, a * eps - s * z
    return torch.nn.functional.mse_loss(net(z_t), v)


@LOSS.accept
def loss_by_images(net, encode, x, scale, abar, eps):
    z = scale * encode(x).data
    guess = net(mix(z, eps, abar))
    return (v_of(z, eps, abar) - guess).pow(2).flatten(1).mean(dim=1).mean()


@LOSS.mistake
def loss_that_teaches_the_encoder(net, encode, x, scale, abar, eps):
    """The gradient reaches the encoder: it would make codes that are easy to guess, not codes to decode.
    Encode under torch.no_grad()."""
    z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_with_teaching_target(net, encode, x, scale, abar, eps):
    """The target v still holds a path to the encoder. Detach the codes before anything is made of them."""
    z = scale * encode(x)
    return (net(mix(z.detach(), eps, abar)) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_with_teaching_input(net, encode, x, scale, abar, eps):
    """The network's input still holds a path to the encoder. Detach the codes before noise is added."""
    z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z.detach(), eps, abar)).square().mean()


@LOSS.mistake
def loss_without_scale(net, encode, x, scale, abar, eps):
    """The codes are not multiplied by the scale: their spread is not 1, and the noise is too weak or too
    strong for them."""
    with torch.no_grad():
        z = encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_divided_by_scale(net, encode, x, scale, abar, eps):
    """You divide by the scale. It is 1 / std: multiply the codes by it here, and divide before decoding."""
    with torch.no_grad():
        z = encode(x) / scale
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_with_scaled_input_only(net, encode, x, scale, abar, eps):
    """The input is scaled, the target is not. Scale the codes once, before both are made of them."""
    with torch.no_grad():
        z = encode(x)
    return (net(mix(scale * z, eps, abar)) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_with_scaled_noise(net, encode, x, scale, abar, eps):
    """The noise was scaled too: the scale stands on the codes alone, before the noise is added."""
    with torch.no_grad():
        z = encode(x)
    return (net(scale * mix(z, eps, abar)) - scale * v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_of_noise(net, encode, x, scale, abar, eps):
    """The target is the noise eps. The network of this lesson guesses v = sqrt(abar) eps - sqrt(1 - abar)
    z."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - eps).square().mean()


@LOSS.mistake
def loss_of_codes(net, encode, x, scale, abar, eps):
    """The target is the clean code. The network of this lesson guesses v = sqrt(abar) eps - sqrt(1 - abar)
    z."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - z).square().mean()


@LOSS.mistake
def loss_with_turned_v(net, encode, x, scale, abar, eps):
    """The sign of v is turned: v = sqrt(abar) eps - sqrt(1 - abar) z, the noise's part is the positive
    one."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) + v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_with_swapped_v(net, encode, x, scale, abar, eps):
    """The two factors of v are swapped: eps has sqrt(abar), z has sqrt(1 - abar)."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, 1 - abar)).square().mean()


@LOSS.mistake
def loss_without_roots(net, encode, x, scale, abar, eps):
    """The roots are missing: z_t = sqrt(abar) z + sqrt(1 - abar) eps, so that the spread stays 1."""
    with torch.no_grad():
        z = scale * encode(x)
    a = four(abar)
    return (net(a * z + (1 - a) * eps) - (a * eps - (1 - a) * z)).square().mean()


@LOSS.mistake
def loss_of_sharp_codes(net, encode, x, scale, abar, eps):
    """The network is shown the clean code: add the noise first, z_t = sqrt(abar) z + sqrt(1 - abar) eps."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(z) - v_of(z, eps, abar)).square().mean()


@LOSS.mistake
def loss_summed(net, encode, x, scale, abar, eps):
    """You sum the squared errors. Average them, .mean(), so that the loss depends on no size."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().sum()


@LOSS.mistake
def loss_of_each_image(net, encode, x, scale, abar, eps):
    """You return a loss for each image. The last step is missing: their mean, one number."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().mean(dim=(1, 2, 3))


@LOSS.mistake
def loss_by_absolute(net, encode, x, scale, abar, eps):
    """That is the absolute error. The loss is the squared one: its best guess is the mean, as the theory
    asks."""
    with torch.no_grad():
        z = scale * encode(x)
    return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).abs().mean()


@LOSS.mistake
def loss_without_gradient(net, encode, x, scale, abar, eps):
    """The value is right, but no gradient reaches the network: only the encoding stands under
    torch.no_grad()."""
    with torch.no_grad():
        z = scale * encode(x)
        return (net(mix(z, eps, abar)) - v_of(z, eps, abar)).square().mean()
