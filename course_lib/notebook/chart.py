"""A line chart in a few milliseconds, drawn with Pillow: cheap enough to draw twice a second in training.

(matplotlib takes 60 to 90 ms for the same picture, and a third of a second to be imported.)
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_lib.notebook.show import COLOURS, INK, PAPER

WIDTH, HEIGHT = 440, 236  # pixels
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 24, 22  # margins around the curves, where the legend has one line
LINE = 14  # pixels from one line of the legend to the next, and between its words
Number = float | int
FAINT = (225, 225, 225)
POINTS = 150  # at most so many points a curve: each is the mean of the steps it stands for
FINE = 2  # drawn this much larger and then shrunk, which smooths the lines


def draw_chart(curves: Mapping[str, Sequence[float]], first: int = 0) -> Image.Image:
    """One curve per name over the step, its latest value beside the name; `first` is the first step's index.

    The y axis is logarithmic where the values are positive and spread over more than a factor of 30.
    """
    means = {
        name: bin_means(np.asarray(values, dtype=float)) for name, values in curves.items() if len(values)
    }
    length = max((len(values) for values in curves.values()), default=1)
    y, ticks = y_axis([mean for _, mean in means.values()])
    picture = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
    draw = Pen(picture)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    words = [f"{name} {curves[name][-1]:.4g}" for name in means]
    places = legend([draw.width(text) for text in words], right)
    top = TOP + places[-1][1] - places[0][1] if places else TOP

    def at_x(step: Number) -> float:
        return LEFT + (right - LEFT) * step / max(length - 1, 1)

    def at_y(value: float) -> float:
        return bottom - (bottom - top) * float(np.clip(y(value), 0, 1))

    for tick in ticks:
        draw.line([(LEFT, at_y(tick)), (right, at_y(tick))], FAINT, 1)
        draw.text((LEFT - 6, at_y(tick)), f"{tick:g}", INK, "rm")
    for tick in nice_ticks(first, first + length - 1, 5):
        draw.text((at_x(tick - first), bottom + 5), f"{tick:,.0f}", INK, "mt")
    draw.line([(LEFT, bottom), (right, bottom)], INK, 1)
    for k, (steps, mean) in enumerate(means.values()):
        colour = COLOURS[k % len(COLOURS)]
        points = [(at_x(s), at_y(v)) for s, v in zip(steps, mean, strict=True) if math.isfinite(v)]
        draw.line(points, colour, 1.5)
        draw.text(places[k], words[k], colour, "lt")
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def legend(widths: Sequence[float], right: Number) -> list[tuple[float, int]]:
    """Where words so wide begin: side by side, in a new line where the picture ends."""
    places, x, y = [], float(LEFT), 6
    for width in widths:
        if x > LEFT and x + width > right:
            x, y = float(LEFT), y + LINE
        places.append((x, y))
        x += width + LINE
    return places


def bin_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS means of neighbours, and the (middle) positions they stand at."""
    size = -(-len(values) // POINTS)
    starts = np.arange(0, len(values), size)
    lengths = np.diff(np.append(starts, len(values)))
    return starts + (lengths - 1) / 2, np.add.reduceat(values, starts) / lengths


def y_axis(curves: Sequence[np.ndarray]):
    """value -> height in [0, 1], and the ticks. The very first points, often far off, may stick out."""
    settled = [curve[len(curve) // 75 :] for curve in curves]
    values = np.concatenate(settled) if settled else np.zeros(1)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    if low > 0 and high > 30 * low:
        a, b = math.log(low), math.log(high)
        decades = [m * 10.0**e for e in range(-9, 10) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        ticks = decades[:: max(1, len(decades) // 5)]
        return lambda v: (math.log(max(v, 1e-300)) - a) / (b - a), ticks
    if low > 0 and low < 0.5 * high:
        low = 0.0
    room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    low, high = (low if low == 0 else low - room), high + room
    return lambda v: (v - low) / (high - low), nice_ticks(low, high, 4)


def nice_ticks(low: Number, high: Number, about: int) -> list[Number]:
    """Round numbers (1, 2 or 5 times a power of ten) from low to high, about so many."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Pen:
    """ImageDraw in the coordinates of the finished picture."""

    def __init__(self, picture: Image.Image):
        self.draw, self.font = ImageDraw.Draw(picture), ImageFont.load_default(11 * FINE)

    def line(self, points: Sequence[tuple[Number, Number]], colour: object, width: Number) -> None:
        if len(points) == 1:
            (x, y), r = points[0], 1.5
            self.draw.ellipse([(x - r) * FINE, (y - r) * FINE, (x + r) * FINE, (y + r) * FINE], fill=colour)
        fine = [(x * FINE, y * FINE) for x, y in points]
        for a, b in pairwise(fine):
            self.draw.line([a, b], fill=colour, width=round(width * FINE))

    def text(self, at: tuple[Number, Number], words: str, colour: object, anchor: str) -> None:
        self.draw.text((at[0] * FINE, at[1] * FINE), words, fill=colour, font=self.font, anchor=anchor)

    def width(self, words: str) -> float:
        return self.font.getlength(words) / FINE
