"""How many students have how many points: a bar chart in SVG, in the colours of its page."""

from collections.abc import Sequence
from statistics import median

from course_lib.grading.page import counted, number

WIDTH, HEIGHT, FOOT, HEAD = 760, 240, 44, 22  # pixels; FOOT for the axis, HEAD for a bar's count


def histogram(points: Sequence[int | float], out_of: int | float) -> str:
    """One bar for each number of points, or for each tenth of them where there are many or fractions."""
    bars = in_bins(points, out_of)
    most = max(count for _, count in bars) or 1
    slot = WIDTH / len(bars)
    drawn = []
    for k, (label, count) in enumerate(bars):
        height = (HEIGHT - FOOT - HEAD) * count / most
        x, top = k * slot, HEIGHT - FOOT - height
        if count:
            drawn.append(
                f'<rect x="{x + 0.1 * slot:.1f}" y="{top:.1f}" width="{0.8 * slot:.1f}" '
                f'height="{height:.1f}" rx="2" fill="var(--bar)"/>'
                f'<text x="{x + slot / 2:.1f}" y="{top - 6:.1f}" text-anchor="middle">{count}</text>'
            )
        drawn.append(
            f'<text class="quiet" x="{x + slot / 2:.1f}" y="{HEIGHT - FOOT + 18}" '
            f'text-anchor="middle">{label}</text>'
        )
    said = ", ".join(f"{label} points: {counted(count, 'student')}" for label, count in bars if count)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Students by points. {said}.">'
        f'<path d="M0 {HEIGHT - FOOT}.5H{WIDTH}" stroke="var(--line)"/>{"".join(drawn)}'
        f"{marker(median(points), out_of, len(bars))}</svg>"
    )


def in_bins(points: Sequence[int | float], out_of: int | float) -> list[tuple[str, int]]:
    """(label, how many students); a label is a number of points or a range "from to"."""
    if whole(points, out_of):
        return [(str(k), sum(p == k for p in points)) for k in range(int(out_of) + 1)]
    width = out_of / 10 or 1
    place = [min(int(p / width + 1e-9), 9) for p in points]
    return [(f"{number(k * width)}–{number((k + 1) * width)}", place.count(k)) for k in range(10)]


def whole(points: Sequence[int | float], out_of: int | float) -> bool:
    return out_of <= 24 and all(p == int(p) for p in (*points, out_of))


def marker(middle: int | float, out_of: int | float, bars: int) -> str:
    """A triangle under the axis, at the median."""
    by_number = bars == int(out_of) + 1 and out_of <= 24
    x = WIDTH * ((middle + 0.5) / bars if by_number else middle / (out_of or 1))
    x, y = min(max(x, 6.0), WIDTH - 6.0), HEIGHT - FOOT + 25
    anchor = "end" if x > WIDTH - 90 else "start"
    side = -10 if anchor == "end" else 10
    return (
        f'<path d="M{x - 5:.1f} {y + 8}h10l-5 -8z" fill="var(--quiet)"/>'
        f'<text class="quiet" x="{x + side:.1f}" y="{y + 9}" text-anchor="{anchor}">'
        f"median {number(middle)}</text>"
    )
