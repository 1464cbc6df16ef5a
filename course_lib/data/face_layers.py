"""The shapes of a face, back to front, as paper cut-outs that every style paints in its own way."""

import torch
from torch import Tensor

from course_lib.data.face_extras import glasses, hats
from course_lib.data.face_sheet import EYE_V, MOUTH_V, Sheet
from course_lib.data.sdf import blob, box, circle, ellipse, stroke

SKIN = [(0.99, 0.87, 0.80), (0.95, 0.75, 0.60), (0.80, 0.57, 0.38), (0.58, 0.37, 0.24), (0.38, 0.24, 0.17)]
HAIR = [(0.12, 0.10, 0.13), (0.42, 0.24, 0.12), (0.96, 0.78, 0.36), (0.82, 0.29, 0.09), (0.86, 0.87, 0.90)]
BACKGROUND = [
    (0.42, 0.66, 0.92),
    (0.47, 0.76, 0.48),
    (0.96, 0.62, 0.74),
    (0.97, 0.84, 0.42),
    (0.63, 0.50, 0.85),
    (0.70, 0.71, 0.72),
]
IRIS = [(0.30, 0.18, 0.10), (0.24, 0.47, 0.72), (0.25, 0.50, 0.30)]

# One row per hair style: half width, height above the centre, how far it hangs down, roundness of its ends,
# curls; then the opening for the face: hairline in the middle, its slope to the sides, its slope to one side,
# half width of the opening.
HAIR_SHAPE = {
    "short": (0.57, 0.69, 0.15, 0.10, 0.0, -0.33, 0.10, 0.20, 0.43),
    "bob": (0.63, 0.69, 0.46, 0.20, 0.0, -0.22, 0.00, 0.00, 0.42),
    "long": (0.62, 0.69, 1.60, 0.20, 0.0, -0.46, 0.75, 0.00, 0.43),
    "curly": (0.77, 0.81, 0.36, 0.36, 0.055, -0.30, 0.25, 0.00, 0.45),
    "pigtails": (0.55, 0.67, 0.06, 0.10, 0.0, -0.43, 0.55, 0.00, 0.70),
}
# One row per mouth: half width, bend, half height of the opening, thickness of the lips, teeth.
MOUTH_SHAPE = {
    "smile": (0.22, 0.12, 0.0, 0.036, 0.0),
    "grin": (0.23, 0.10, 0.065, 0.026, 1.0),
    "serious": (0.15, 0.00, 0.0, 0.036, 0.0),
    "sad": (0.17, -0.105, 0.0, 0.036, 0.0),
    "surprised": (0.095, 0.00, 0.095, 0.030, 0.0),
}


def face_layers(attributes: dict[str, Tensor], size: int) -> Sheet:
    """All layers of a batch of faces, back to front."""
    sheet = Sheet(attributes, size)
    relief = head_relief(sheet)
    tone = 1 + 0.05 * sheet.shape["tone"].unsqueeze(1)
    skin = sheet.pick(SKIN, "skin") * tone
    hair = (sheet.pick(HAIR, "hair_colour") * tone).clamp(max=1)
    hair_d, opening = hair_shape(sheet)
    strands = relief * (0.94 + 0.10 * torch.sin(sheet.fu * 34 + 3 * sheet.v) * torch.cos(sheet.fu * 11))
    ring = 0.20 * blob(sheet.fu, sheet.v + 0.36 - 0.5 * sheet.fu.square(), 0.5, 0.13)  # light on the crown

    sheet.lay(hair_d, hair * 0.80, shade=strands)
    if len(rows := sheet.having("hair_style", 4)):
        pigtails(sheet, rows, hair, strands)
    body(sheet, skin)
    head(sheet, skin, relief, torch.maximum(hair_d, -opening))
    eyes(sheet, skin, hair)
    nose(sheet, skin)
    mouth(sheet, skin)
    sheet.lay(torch.maximum(hair_d, -opening), hair, shade=strands + ring)
    glasses(sheet)
    hats(sheet, relief)
    return sheet


def head_relief(sheet: Sheet) -> Tensor:
    """Lambert's light on the ball of the head, from above and from the left."""
    nx, ny = sheet.u / 0.72, sheet.v / 0.84
    nz = (1 - nx * nx - ny * ny).clamp_(min=0.03).sqrt_()
    return (nz.mul_(0.62) - nx * 0.34 - ny * 0.36).clamp_(min=0).mul_(0.62).add_(0.56)


def hair_shape(sheet: Sheet) -> tuple[Tensor, Tensor]:
    """Distances to all of the hair (a dome, and sides that hang down) and to its opening for the face."""
    style = sheet.pick(list(HAIR_SHAPE.values()), "hair_style").unbind(1)
    width, top, hang, r, curls, line, slope, sweep, open_width = style
    u, v = sheet.u.abs(), sheet.v
    dome = torch.hypot(u / width, v / top).sub_(1).mul_(width)
    qx, qy = u - (width - r), v - (hang - r)
    sides = torch.hypot(qx.clamp(min=0), qy.clamp(min=0)) + torch.maximum(qx, qy).clamp_(max=0) - r
    d = torch.where(v < 0, torch.maximum(dome, qy - r), sides)
    d = d + curls * torch.sin(13 * sheet.u) * torch.sin(13 * v + 1)
    hairline = line + slope * sheet.fu.abs() + sweep * sheet.fu + 0.6 * curls * torch.sin(20 * sheet.fu)
    return d, torch.maximum(hairline - sheet.fv, sheet.fu.abs() - open_width - 0.1 * v.clamp(min=0))


def pigtails(sheet: Sheet, rows: Tensor, hair: Tensor, strands: Tensor) -> None:
    u, v = sheet.u[rows].abs(), sheet.v[rows]
    sheet.lay(
        ellipse(u - 0.74, v - 0.24, 0.19, 0.36), hair[rows] * 0.95, rows=rows, shade=strands[rows] + 0.12
    )
    sheet.lay(circle(u - 0.61, v + 0.06, 0.085), (0.92, 0.25, 0.45), rows=rows)


def body(sheet: Sheet, skin: Tensor) -> None:
    """Shoulders in a shirt of any hue, and a neck in the shadow of the chin."""
    x, y = sheet.x, sheet.y
    hue = sheet.shape["shirt"].unsqueeze(1) * torch.pi
    phase = torch.tensor([0.0, 2.1, 4.2], device=x.device).view(1, 3, 1, 1)
    shirt = 0.52 + 0.27 * torch.cos(hue + phase)
    n = len(sheet.u)
    neck = box(x, y - 0.72, 0.175, 0.30, 0.08).expand(n, -1, -1)
    sheet.lay(neck, skin * 0.80, shade=(0.80 + 0.5 * (y - 0.72)).expand(n, y.shape[1], x.shape[2]))
    shoulders = ellipse(x, y - 1.24, 0.86, 0.52)
    collar = ellipse(x, y - 0.74, 0.21, 0.12)
    fold = 1.05 - 0.35 * x.square() - 0.1 * x
    sheet.lay(
        torch.maximum(shoulders, -collar).expand(n, -1, -1), shirt, shade=fold.expand(n, y.shape[1], -1)
    )


def head(sheet: Sheet, skin: Tensor, relief: Tensor, fringe: Tensor) -> None:
    """Ears, and an egg whose jaw is narrower; the hair throws a soft shadow on it."""
    shape = sheet.shape
    side = sheet.u - 0.04 * sheet.turn
    ears = ellipse(side.abs() - 0.50, sheet.v - 0.06, 0.09, 0.13)
    sheet.lay(ears, skin * 0.88, shade=relief)
    rx = 0.50 + 0.035 * shape["width"]
    jaw = (sheet.v - 0.05).clamp(min=0) / 0.55
    taper = 1 - (0.18 - 0.09 * shape["jaw"]) * jaw
    egg = ellipse((sheet.u - 0.05 * sheet.turn * jaw) / taper, sheet.v, rx, 0.61)
    shadow = 1 - 0.26 * (1 - fringe / 0.13).clamp_(0, 1)
    sheet.lay(egg, skin, shade=relief * shadow)
    blush = blob(sheet.fu.abs() - 0.29, sheet.fv - 0.20, 0.16, 0.13)
    sheet.tint(blush.mul_(0.42), skin * torch.tensor([1.0, 0.62, 0.60], device=skin.device).view(1, 3, 1, 1))


def eyes(sheet: Sheet, skin: Tensor, hair: Tensor) -> None:
    shape = sheet.shape
    side = sheet.fu.sign()
    eu, ev = sheet.fu.abs() - (0.205 + 0.015 * shape["gap"]), sheet.fv - EYE_V
    size = 1 + 0.12 * shape["eyes"]
    opening = ellipse(eu, ev, 0.126 * size, 0.102 * size)
    sheet.lay(opening, (0.97, 0.97, 0.98), outline=False)
    gaze = eu * side - 0.025 * sheet.turn  # the eyes run ahead of the head
    iris_d = circle(gaze, ev - 0.005, 0.091 * size)
    table = torch.tensor(IRIS, device=skin.device)
    colour = table[((shape["iris"].flatten() + 1) * 1.499).long()][:, :, None, None]
    sheet.lay(torch.maximum(iris_d, opening), colour, outline=False)
    sheet.lay(circle(gaze, ev - 0.005, 0.050 * size), (0.05, 0.04, 0.06), outline=False)
    sheet.lay(circle(gaze + 0.032, ev + 0.035, 0.026 * size), (1.0, 1.0, 1.0), outline=False)
    lid = stroke(eu, ev + 0.115 * size, 0.145 * size, -0.062, 0.022)
    sheet.lay(lid, skin * 0.25, outline=False)
    brow = stroke(eu, ev + 0.215 - (0.10 + 0.16 * shape["brows"]) * eu, 0.14, -0.045, 0.027)
    sheet.lay(brow, hair * 0.50 + skin * 0.10, outline=False)


def nose(sheet: Sheet, skin: Tensor) -> None:
    u = sheet.fu - 0.07 * sheet.turn
    v = sheet.fv - 0.185 - 0.02 * sheet.shape["nose"]
    sheet.tint(blob(u + 0.015, v + 0.09, 0.055, 0.15).mul_(0.55), (skin * 1.18).clamp(max=1))
    sheet.tint(blob(u - 0.05, v + 0.02, 0.05, 0.12).mul_(0.45), skin * 0.72)
    sheet.lay(stroke(u, v - 0.035, 0.085, 0.030, 0.026), skin * 0.66, opacity=0.85, outline=False)


def mouth(sheet: Sheet, skin: Tensor) -> None:
    shape = sheet.pick(list(MOUTH_SHAPE.values()), "mouth").unbind(1)
    width, bend, opening, lips, teeth = shape
    u, v = sheet.fu, sheet.fv - MOUTH_V - 0.5 * bend
    lips = lips * (1 + 0.2 * sheet.shape["lips"])
    rose = torch.tensor([0.84, 0.20, 0.26], device=skin.device).view(1, 3, 1, 1)
    red = torch.lerp(skin * 0.72, rose, 0.72)
    sheet.lay(stroke(u, v, width, bend, opening + lips), red, outline=False)
    inside = stroke(u, v, (width - 0.02), bend * ((width - 0.02) / width).square(), opening - 0.008)
    inside = inside + (opening <= 0) * 9.0  # a closed mouth has no inside
    sheet.lay(inside, (0.28, 0.06, 0.08), outline=False)
    white = torch.maximum(inside, v + bend * (u / width).square() - 0.02) + (1 - teeth) * 9.0
    sheet.lay(white, (0.98, 0.97, 0.95), outline=False)
