"""A sheet of coordinates, and the layers of a picture that are laid onto it one over the other.

Coordinates run over [-1, 1], x to the right and y down. (u, v) are those of the head, tilted with it, from
its centre; (fu, fv) also bend with its turn and nod, as if the face were drawn on a ball, so that features
are written down as seen from the front.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.data.sdf import coverage

POSE = ("turn", "nod", "tilt")  # each in [-1, 1]: to the right, down, clockwise
# What varies from person to person beside the attributes, each in [-1, 1].
SHAPE = ("width", "jaw", "eyes", "gap", "brows", "nose", "lips", "iris", "shirt", "tone")
EYE_V, MOUTH_V = 0.02, 0.37  # heights on the face


@dataclass(frozen=True)
class Layer:
    """One shape: `mask` says how much of each pixel it covers, `colour` what colour it has, in [0, 1]."""

    mask: Tensor  # (m, h, w)
    colour: Tensor  # (m, 3, 1, 1), or (m, 3, h, w) where it varies
    rows: Tensor | None = None  # which faces have it; None: all
    shade: Tensor | None = None  # (m, h, w) light on it; None: evenly lit
    edge: Tensor | None = None  # (m, h, w) distance to its outline, for a pencil; None: it has none
    solid: bool = True  # False for what is only light or shadow on the layer below


class Sheet:
    """The coordinates of a batch of faces, and the layers that are laid onto it."""

    def __init__(self, attributes: dict[str, Tensor], size: int):
        self.pixel = 2 / size
        device = attributes["pose"].device
        ticks = (torch.arange(size, device=device) + 0.5) * self.pixel - 1
        self.x, self.y = ticks.view(1, 1, -1), ticks.view(1, -1, 1)
        self.attributes = attributes
        self.shape = {name: _column(attributes["shape"], i) for i, name in enumerate(SHAPE)}
        self.turn, nod, tilt = (_column(attributes["pose"], i) for i in range(3))
        angle = 0.22 * tilt
        cos, sin = angle.cos(), angle.sin()
        y = self.y - 0.75  # the neck, about which the head tilts
        self.u = self.x * cos + y * sin - 0.03 * self.turn
        self.v = y * cos - self.x * sin + 0.69
        ball = (1 - 0.6 * self.v.square()) * (1 - (self.u / 0.56).square_()).clamp_(min=0)
        self.fu = self.u - 0.16 * self.turn * ball
        self.fv = self.v - 0.09 * nod * (1 - (self.v / 0.66).square_()).clamp_(min=0)
        self.layers: list[Layer] = []

    def pick(self, table: list[tuple[float, ...]], name: str) -> Tensor:
        """The row of a table that each face's attribute names: (n, k, 1, 1)."""
        rows = torch.tensor(table, device=self.x.device)
        return rows[self.attributes[name]][:, :, None, None]

    def having(self, name: str, value: int) -> Tensor:
        """Which faces have this value of an attribute."""
        return (self.attributes[name] == value).nonzero().squeeze(1)

    def lay(
        self, d: Tensor, colour, *, rows=None, shade=None, opacity: float = 1.0, outline: bool = True
    ) -> None:
        """Lay a solid shape, given by its distances."""
        mask = coverage(d, self.pixel)
        self._add(
            mask.mul_(opacity) if opacity < 1 else mask, colour, rows, shade, d if outline else None, True
        )

    def tint(self, mask: Tensor, colour, *, rows=None) -> None:
        """Lay a soft light or shadow, given by its mask."""
        self._add(mask, colour, rows, None, None, False)

    def _add(self, mask, colour, rows, shade, edge, solid) -> None:
        if not isinstance(colour, Tensor):
            colour = torch.tensor(colour, device=mask.device).view(1, 3, 1, 1)
        self.layers.append(Layer(mask, colour, rows, shade, edge, solid))


def _column(table: Tensor, i: int) -> Tensor:
    return table[:, i, None, None]
