"""Four ways to paint the same layers. The shapes agree pixel for pixel: the truth for translation."""

import torch
from torch import Tensor

from course_lib.data.face_layers import BACKGROUND
from course_lib.data.face_sheet import Sheet


def photo(sheet: Sheet) -> Tensor:
    """Soft light from above and from the left: (n, 3, h, w) in [0, 1]."""
    albedo, light, _ = flatten(sheet)
    return albedo.mul_(
        torch.lerp(light.unsqueeze(1), torch.ones_like(light[:1, None]), _rgb(albedo, 0.20, 0.06, 0.0))
    )


def night(sheet: Sheet) -> Tensor:
    """Blue moonlight, and one warm lamp low on the right."""
    albedo, light, solid = flatten(sheet)
    nx, ny = (sheet.u / 0.80).clamp_(-1, 1), sheet.v / 0.95
    nz = (1 - nx * nx - ny * ny).clamp_(min=0.02).sqrt_()
    lamp = (nx * 0.80 + ny * 0.25 + nz * 0.35).clamp_(min=0).square_().mul_(solid).mul_(1.15)
    glow = torch.exp(-2.2 * ((sheet.x - 1.05).square() + (sheet.y - 0.35).square())).mul(0.55)
    lamp = (lamp + glow * (1 - 0.6 * solid)).unsqueeze(1)
    moon = (0.17 + 0.42 * light).unsqueeze(1)
    cool, warm = _rgb(albedo, 0.44, 0.60, 1.0), _rgb(albedo, 1.0, 0.66, 0.30)
    return albedo.mul_(moon * cool + lamp * warm).add_(_rgb(albedo, 0.010, 0.015, 0.05))


def painting(sheet: Sheet) -> Tensor:
    """Flat strokes of saturated paint: light in steps, warm where it falls and violet where it does not."""
    albedo, light, _ = flatten(sheet)
    x, y, hand = sheet.x, sheet.y, 3 * sheet.shape["tone"]  # no two pictures have the same strokes
    across = torch.sin(21 * x + 13 * y + 2.5 * torch.sin(3 * x - 4 * y + hand))
    brush = across * (0.6 + 0.4 * torch.sin(4 * y - 7 * x + 2 * hand + 2 * across))
    steps = 5.0 * (light + 0.05 * brush)
    floor = steps.floor()
    level = (floor + ((steps - floor - 0.5) * 4 + 0.5).clamp_(0, 1)) / 5.0  # steps with a short ramp
    warmth = ((level - 0.6) / 0.45).clamp_(0, 1).unsqueeze(1)
    tint = torch.lerp(_rgb(albedo, 0.74, 0.66, 1.04), _rgb(albedo, 1.16, 1.08, 0.86), warmth)
    grey = albedo.mean(1, keepdim=True)
    paint = (grey + 1.45 * (albedo - grey)) * (0.45 + 0.58 * level.unsqueeze(1)) * tint
    return paint + 0.035 * brush.unsqueeze(1)


def sketch(sheet: Sheet) -> Tensor:
    """Pencil on paper: outlines, and hatching that is denser where the colour is darker.

    Hues are lost, the background's for good: what a cycle back to the photo must invent or hide.
    """
    n, pixel = len(sheet.u), sheet.pixel
    hatch = 0.65 + 0.35 * torch.sin(33 * (sheet.x + 0.9 * sheet.y))
    ink = torch.zeros(n, sheet.y.shape[1], sheet.x.shape[2], device=sheet.x.device)
    for layer in sheet.layers:
        weights = _rgb(layer.colour, 0.30, 0.59, 0.11)
        dark = 1 - (layer.colour * weights).sum(1)
        if layer.shade is not None:
            dark = (1 - (1 - dark) * layer.shade).clamp_(0, 1)
        if layer.edge is not None:
            tone = 0.85 * dark.square() * hatch
        else:  # small things are pressed into the paper
            tone = (1.7 * dark - 0.45).clamp_(0, 1) if layer.solid else 0.4 * dark
        mine = ink if layer.rows is None else ink[layer.rows]
        mine = torch.lerp(mine, tone.expand_as(mine), layer.mask)
        if layer.edge is not None:
            line = (0.5 - (layer.edge.abs() - 0.030) / pixel).clamp_(0, 1).mul_(0.78)
            mine = torch.maximum(mine, line)
        if layer.rows is None:
            ink = mine
        else:
            ink[layer.rows] = mine
    grain = 0.02 * torch.sin(61 * sheet.x + 23 * sheet.y) * torch.sin(19 * sheet.x - 57 * sheet.y)
    paper, lead = _rgb(ink, 0.97, 0.955, 0.92), _rgb(ink, 0.20, 0.20, 0.24)
    return torch.lerp(paper, lead, ink.unsqueeze(1)) + grain.unsqueeze(1)


STYLES = {"photo": photo, "sketch": sketch, "painting": painting, "night": night}


def flatten(sheet: Sheet) -> tuple[Tensor, Tensor, Tensor]:
    """Colours (n, 3, h, w), the light on them (n, h, w), and where there is more than background."""
    n, h, w = len(sheet.u), sheet.y.shape[1], sheet.x.shape[2]
    albedo = sheet.pick(BACKGROUND, "background").repeat(1, 1, h, w)
    halo = 1.10 - 0.16 * ((sheet.x + 0.35).square() + (sheet.y + 0.45).square())
    light, solid = halo.repeat(n, 1, 1), torch.zeros(n, h, w, device=albedo.device)
    one = torch.ones((), device=albedo.device)
    for layer in sheet.layers:
        rows, mask = layer.rows, layer.mask
        mine = albedo if rows is None else albedo[rows]
        mine.lerp_(layer.colour.expand_as(mine), mask.unsqueeze(1).expand_as(mine))
        if rows is not None:
            albedo[rows] = mine
        if not layer.solid:
            continue
        shade = one if layer.shade is None else layer.shade
        if rows is None:
            light.lerp_(shade.expand_as(light), mask)
            torch.maximum(solid, mask, out=solid)
        else:
            light[rows] = torch.lerp(light[rows], shade.expand_as(mask), mask)
            solid[rows] = torch.maximum(solid[rows], mask)
    return albedo, light, solid


def _rgb(like: Tensor, *colour: float) -> Tensor:
    return torch.tensor(colour, device=like.device).view(1, 3, 1, 1)
