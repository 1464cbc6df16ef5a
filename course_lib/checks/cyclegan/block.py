"""cyclegan/block: the residual block of the generator."""

import torch
from torch import nn

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.cyclegan import Block


def make_block(maps):
    """maps -> a module that keeps the shape (b, maps, h, w)."""
    return Block(maps)


def maps(seed: int) -> list[Case]:
    g = generator(seed)
    width = pick(2, 4, g)
    probe = torch.randn(2, width, pick(4, 5, g), 5, generator=g)
    return [Case(f"{width} maps", {"maps": width}, seed, probe=probe)]


BLOCK = Exercise("cyclegan/block", points=2, reference=make_block, inputs=maps)


class Skip(nn.Module):
    """x and h(x), joined by a function."""

    def __init__(self, *layers, join=lambda x, h: x + h):
        super().__init__()
        self.h, self.join = nn.Sequential(*layers), join

    def forward(self, x):
        return self.join(x, self.h(x))


def reflected(n, bias=True):
    return nn.Conv2d(n, n, 3, padding=1, padding_mode="reflect", bias=bias)


def layers(n, convolution=reflected, norm=nn.InstanceNorm2d, activation=nn.ReLU):
    return [convolution(n), norm(n), activation(), convolution(n), norm(n)]


@BLOCK.accept
class BlockByHand(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.first, self.second = nn.Conv2d(maps, maps, 3), nn.Conv2d(maps, maps, 3)
        self.norm, self.mirror = nn.InstanceNorm2d(maps), nn.ReflectionPad2d(1)

    def forward(self, x):
        h = torch.relu(self.norm(self.first(self.mirror(x))))
        return x + self.norm(self.second(self.mirror(h)))


@BLOCK.accept
def block_of_padding_layers(maps):
    def padded(n):
        return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3))

    return Skip(*layers(maps, padded))


@BLOCK.accept
def block_in_place(maps):
    return Skip(*layers(maps, activation=lambda: nn.ReLU(inplace=True)), join=lambda x, h: h.add(x))


@BLOCK.mistake
def block_without_skip(maps):
    """The input is not added: return x + h(x). Then a block has to learn only what it changes."""
    return Skip(*layers(maps), join=lambda x, h: h)


@BLOCK.mistake
def block_with_last_relu(maps):
    """A ReLU stands behind the sum. Here the block ends with the sum: a ReLU would forbid it to take anything
    away."""
    return Skip(*layers(maps), join=lambda x, h: torch.relu(x + h))


@BLOCK.mistake
def block_with_relu_on_h(maps):
    """There is a ReLU behind the second norm too, so h could only add. There is one ReLU, between the two
    convolutions."""
    return Skip(*layers(maps), nn.ReLU())


@BLOCK.mistake
def block_with_zero_padding(maps):
    """The borders are padded with zeros, which draws a frame around the picture. Mirror them:
    padding_mode="reflect"."""
    return Skip(*layers(maps, lambda n: nn.Conv2d(n, n, 3, padding=1)))


@BLOCK.mistake
def block_with_batch_norm(maps):
    """That is BatchNorm, where the images of a batch leave traces in each other. Here it is
    nn.InstanceNorm2d: each image and each map by itself."""
    return Skip(*layers(maps, norm=nn.BatchNorm2d))


@BLOCK.mistake
def block_with_affine_norm(maps):
    """The instance norm has weights of its own. Here it has none, which is torch's default:
    nn.InstanceNorm2d(maps)."""
    return Skip(*layers(maps, norm=lambda n: nn.InstanceNorm2d(n, affine=True)))


@BLOCK.mistake
def block_without_norm(maps):
    """Instance norm is missing: put nn.InstanceNorm2d(maps) behind each of the two convolutions."""
    return Skip(*layers(maps, norm=lambda n: nn.Identity()))


@BLOCK.mistake
def block_without_last_norm(maps):
    """The second convolution has no instance norm behind it. Both have one."""
    return Skip(*layers(maps)[:-1])


@BLOCK.mistake
def block_without_relu(maps):
    """There is no ReLU between the two convolutions: without it they are little more than one."""
    return Skip(*layers(maps, activation=nn.Identity))


@BLOCK.mistake
def block_with_norm_after_relu(maps):
    """The ReLU stands before the first norm. The order is convolution, instance norm, ReLU."""
    a, norm, relu, *rest = layers(maps)
    return Skip(a, relu, norm, *rest)


@BLOCK.mistake
def block_with_leaky_relu(maps):
    """The activation is LeakyReLU. That is for the discriminator; the generator has plain ReLU."""
    return Skip(*layers(maps, activation=lambda: nn.LeakyReLU(0.2)))


@BLOCK.mistake
def block_of_one_convolution(maps):
    """h has one convolution. It has two, with a ReLU between them."""
    return Skip(*layers(maps)[:2])


@BLOCK.mistake
def block_without_bias(maps):
    """The convolutions have no bias. The norm takes a bias off again, but the paper's block has one, and the
    count of 11.378 M includes it."""
    return Skip(*layers(maps, lambda n: reflected(n, bias=False)))
