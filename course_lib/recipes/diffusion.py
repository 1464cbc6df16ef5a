"""The models of lessons 06 and 07 as recipes."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from course_lib.device import fast_precision, pick_device, place
from course_lib.models import unet
from course_lib.models.ddpm import V, cosine_schedule, ddpm_player, denoiser
from course_lib.models.samplers import guided, sample_dpm_solver
from course_lib.recipes.recipe import Model
from course_lib.recipes.worlds import World
from course_lib.training.loop import warm_up_down
from course_lib.types import Images

BATCH = 32
GUIDANCE = 2.0  # for labels: above 1, they count for more than in the data
STEPS = 20  # of DPM-Solver++


def build_ddpm(world: World) -> Model:
    """Told the label where there is one; the attributes of faces are lesson 07's, through words."""
    told = world.told == "label"
    shape = replace(unet.DIGITS, channels=world.channels, classes=world.choices[0] if told else 0)
    shape = replace(shape, widths=(128, 256), blocks=2) if world.wide else shape
    net, schedule = place(unet.UNet(shape)), cosine_schedule(500).to(pick_device())

    def sample(net: nn.Module, n: int, y: Tensor | None) -> Images:
        say, condition = (net, ()) if y is None else (guided(net, GUIDANCE), (y,))
        denoise = denoiser(say, schedule, *condition, prediction=V, precision=fast_precision())
        noise = torch.randn(n, world.channels, world.size, world.size, device=pick_device())
        return sample_dpm_solver(denoise, noise, schedule, STEPS)

    player = ddpm_player(net, schedule, prediction=V, condition="label" if told else None)
    return Model({"net": net}, [player], BATCH, "net", sample, warm_up_down, conditional=told)
