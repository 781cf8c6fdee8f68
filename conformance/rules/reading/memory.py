"""Whether memory that grows with streams that come and go is a leak, or a heap that has not settled yet."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

MIB = 1 << 20
# A runtime's heap moves by itself; less than this for each stream, or in all, cannot be told from that.
LEAK_BYTES, LEAST_GROWTH_BYTES = 32 << 10, 6 * MIB
LEAST_BATCHES = 4
LATELY = 4  # looks, the last ones
STILL = 4  # what has settled has grown by less than this part of its growth in the second half

Point = tuple[int, int]  # how many streams had come and gone, and the bytes held then


def leaks(points: Sequence[Point]) -> bool:
    """Whether memory grew from batch to batch, and does so to the last."""
    if len(points) <= LEAST_BATCHES:
        return False
    total = points[-1][1] - points[0][1]
    goes_on = points[-1][1] - points[len(points) // 2][1] >= total / STILL
    lately = slope(points[-LATELY:]) if len(points) > 2 * LATELY else slope(points)
    return min(slope(points), lately) >= LEAK_BYTES and total >= LEAST_GROWTH_BYTES and goes_on


def slope(points: Sequence[Point]) -> float:
    """Return the median of the slopes between all points (Theil and Sen): one step, up or down, does not move it."""
    slopes = [(y - x) / (b - a) for (a, x), (b, y) in combinations(points, 2) if b != a]
    return median(slopes) if slopes else 0.0
