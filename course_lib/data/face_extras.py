"""What a face may wear: three kinds of glasses, four kinds of hats."""

import torch
from torch import Tensor

from course_lib.data.face_sheet import EYE_V, Sheet
from course_lib.data.sdf import blob, box, circle, ellipse

CAP, BEANIE, STRAW, GOLD = (0.16, 0.33, 0.78), (0.80, 0.14, 0.18), (0.93, 0.80, 0.50), (0.98, 0.78, 0.18)


def glasses(sheet: Sheet) -> None:
    gap = 0.215 + 0.015 * sheet.shape["gap"]
    for kind, frame, thick in [
        (1, (0.12, 0.11, 0.16), 0.019),
        (2, (0.02, 0.50, 0.58), 0.023),
        (3, (0.05, 0.05, 0.07), 0.022),
    ]:
        if not len(rows := sheet.having("glasses", kind)):
            continue
        u, v = sheet.fu[rows].abs(), sheet.fv[rows] - EYE_V
        eu = u - gap[rows]
        if kind == 1:
            lens = circle(eu, v, 0.178)
        elif kind == 2:
            lens = box(eu, v, 0.182, 0.145, 0.03)
        else:
            lens = box(eu, v - 0.01, 0.185, 0.135, 0.10)
        bars = torch.maximum(v.abs() - 0.022, torch.maximum(0.03 - eu.abs(), u - 0.52))
        bars = torch.maximum(bars, -lens)
        rim = torch.minimum(lens.abs() - thick, bars)
        if kind == 3:
            glare = 0.9 + 0.9 * blob(eu + 0.06, v + 0.07, 0.09, 0.07)
            sheet.lay(lens, (0.10, 0.09, 0.13), rows=rows, shade=glare)
        else:
            sheet.lay(lens, (0.93, 0.97, 1.0), rows=rows, opacity=0.30, outline=False)
        sheet.lay(rim, frame, rows=rows, outline=False)


def hats(sheet: Sheet, relief: Tensor) -> None:
    for kind, draw in enumerate((cap, beanie, straw_hat, crown), start=1):
        if len(rows := sheet.having("hat", kind)):
            u, v = sheet.u[rows], sheet.v[rows] - 0.02
            fu = u - 0.10 * sheet.turn[rows]  # its front goes with the face
            draw(sheet, rows, u, v, fu, relief[rows] + 0.08)


def cap(sheet: Sheet, rows: Tensor, u: Tensor, v: Tensor, fu: Tensor, relief: Tensor) -> None:
    dome = torch.maximum(ellipse(u, v + 0.10, 0.60, 0.66), v + 0.30)
    sheet.lay(dome, CAP, rows=rows, shade=relief - 0.10 * blob(fu, v, 0.03, 9.0))
    sheet.lay(circle(fu, v + 0.74, 0.05), (0.95, 0.95, 0.95), rows=rows)
    visor = ellipse(fu - 0.10 * sheet.turn[rows], v + 0.27, 0.50, 0.095)
    sheet.lay(visor, (0.10, 0.20, 0.52), rows=rows, shade=relief)


def beanie(sheet: Sheet, rows: Tensor, u: Tensor, v: Tensor, fu: Tensor, relief: Tensor) -> None:
    ribs = relief * (0.93 + 0.13 * torch.sin(38 * fu))
    dome = torch.maximum(ellipse(u, v + 0.14, 0.60, 0.62), v + 0.30)
    sheet.lay(dome, BEANIE, rows=rows, shade=ribs)
    sheet.lay(box(u, v + 0.33, 0.60, 0.095, 0.07), (0.93, 0.90, 0.86), rows=rows, shade=ribs)
    sheet.lay(circle(fu, v + 0.80, 0.14), (0.96, 0.94, 0.90), rows=rows, shade=relief)


def straw_hat(sheet: Sheet, rows: Tensor, u: Tensor, v: Tensor, fu: Tensor, relief: Tensor) -> None:
    weave = relief * (0.95 + 0.07 * torch.sin(60 * v + 2 * u) * torch.sin(45 * u))
    sheet.lay(ellipse(u, v + 0.30, 0.93, 0.15), STRAW, rows=rows, shade=weave - 0.06)
    top = torch.maximum(ellipse(u, v + 0.42, 0.47, 0.44), v + 0.30)
    sheet.lay(top, STRAW, rows=rows, shade=weave)
    band = torch.maximum(top, 0.44 - (-v))
    band = torch.maximum(top, (v + 0.365).abs() - 0.07)
    sheet.lay(band, (0.75, 0.20, 0.16), rows=rows, shade=relief)


def crown(sheet: Sheet, rows: Tensor, u: Tensor, v: Tensor, fu: Tensor, relief: Tensor) -> None:
    wave = ((fu / 0.19 + 0.5) % 1.0 - 0.5).abs()  # 0 at a point of the crown, 0.5 between two
    edge = torch.maximum(u.abs() - 0.475 + 0.06 * v, (-0.84 + 0.52 * wave - v) * 0.5)
    band = torch.maximum(edge, v + 0.38 - 0.12 * u.square())
    metal = relief * (0.95 + 0.25 * torch.sin(9 * u + 1))
    sheet.lay(band, GOLD, rows=rows, shade=metal)
    jewel = ellipse(((fu / 0.19 + 0.5) % 1.0 - 0.5) * 0.19, v + 0.46, 0.05, 0.05)
    sheet.lay(torch.maximum(jewel, band + 0.02), (0.85, 0.10, 0.25), rows=rows)
