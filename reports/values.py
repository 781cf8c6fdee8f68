"""What was computed from the samples of a run, as values: what computes them and what shows them meet here.

Light: nothing here needs the libraries that read samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles (ms) of so many samples; NaN when there are none."""

    samples: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    p999: float = float("nan")  # where samples suffice

    @property
    def is_far(self) -> bool:
        """Whether there were samples enough for the p99.9."""
        return self.p999 == self.p999


NOTHING = Percentiles(0, *[float("nan")] * 5)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its name in the page, a heading, what it shows, and its data as JSON (see `charts`)."""

    name: str
    heading: str
    caption: str
    json: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was computed from the samples of a run.

    `unread` says in one line why there are samples of which nothing was computed, and what to do; else it is empty.
    """

    latencies: Mapping[str, Percentiles] = field(default_factory=dict)
    delay: Percentiles = NOTHING
    existing: Mapping[bool, Percentiles] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    samples: int = 0
    parts: int = 0
    unreadable: Sequence[str] = ()
    unread: str = ""
