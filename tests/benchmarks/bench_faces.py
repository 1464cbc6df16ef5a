"""Faces a second, and the memory it takes. The aim: 5,000 faces of 32x32 a second on two cores.

    python tests/benchmarks/bench_faces.py [faces] [repeats]

Processor seconds count, since a machine may be shared: `per core` is faces per processor second of the whole
process, and two quiet cores draw twice as many a second.
"""

import os
import statistics
import sys
import time

import psutil

from course_lib.data.faces import faces


def main(n: int = 4000, repeats: int = 5) -> None:
    faces(256)  # the first call warms the allocator
    start = psutil.Process().memory_info().rss
    print(f"{os.cpu_count()} cores, n = {n}, {repeats} repeats: median (least to most)")
    for style, size, count in [
        *((style, 32, n) for style in ("photo", "sketch", "painting", "night")),
        ("photo", 64, n // 4),
    ]:
        rates, walls = [], []
        for seed in range(repeats):
            wall, processor = time.perf_counter(), time.process_time()
            faces(count, size=size, seed=seed, style=style)
            rates.append(count / (time.process_time() - processor))
            walls.append(count / (time.perf_counter() - wall))
        spread = f"{statistics.median(rates):6,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) per core"
        print(
            f"{style:9} {size}x{size}: {spread}, {statistics.median(walls):6,.0f} a second by the wall clock"
        )
    more = (psutil.Process().memory_info().rss - start) / 2**20
    print(f"resident memory after all that: {more:.0f} MB more than before")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
