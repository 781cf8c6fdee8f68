"""What a run knows beside its samples: its plan, its counts, and what became of those who measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ssegauge.loadtests.judging.answers import Requests
from ssegauge.loadtests.judging.herd import Herd
from ssegauge.loadtests.judging.objectives import Objective
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import Label
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.returning import Returned
from ssegauge.loadtests.measuring.samples import Floats
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.measuring.witnesses import Witnessed
from ssegauge.loadtests.stream.clock import Clock


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run knows beside its samples."""

    scenario: str
    started: str  # ISO 8601, UTC
    duration_s: float
    users: int
    rate: float | None  # updates per second, None when nothing is driven
    clock: Clock
    failed: int = 0
    dropped: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)
    sending_ms: Floats = field(default_factory=lambda: np.empty(0))  # of these three see ``Health``
    looping_ms: Floats = field(default_factory=lambda: np.empty(0))
    cpu_shares: Floats = field(default_factory=lambda: np.empty(0))
    clock_step_ms: float = 0.0
    standstill_ms: float = 0.0
    clocks: Clocks = field(default_factory=Clocks)
    updates: Mapping[str, int] = field(default_factory=dict)  # "planned", "accepted", "refused", "sent"
    refusals: Counter[str] = field(default_factory=Counter)
    told_to_wait: Mapping[str, Any] = field(default_factory=dict)  # "refusals", "longest_s", "shortened": Retry-After
    held: int | None = None  # see Measured
    witnessed: Witnessed | None = None
    left: Mapping[str, int] = field(default_factory=dict)  # streams that users left in the midst, by "fin" and "rst"
    ended: Mapping[str, Any] = field(default_factory=dict)  # by the server: "streams", "least_s", "most_s", "resumed"
    returned: Returned = field(default_factory=Returned)  # readers who came back to streams that had ended
    checked: int = 0  # events that the user's own code has looked at
    checks: Counter[str] = field(default_factory=Counter)  # why it found some wrong
    aborted: Objective | None = None  # broken so that the run was ended
    asked: Sequence[str] = ()  # objectives that the user states
    shape: Shape | None = None  # how many streams at each moment, and when it began, from the run's start
    shaped_since_s: float = 0.0
    types: Mapping[Label, tuple[int, int]] = field(default_factory=dict)  # events and bytes by label
    herd: Herd | None = None  # readers that were cut all at once
    phases: Sequence[Mapping[str, Any]] = ()
    ping_failures: Counter[str] = field(default_factory=Counter)
    requests: Requests | None = None  # of a run of requests and answers
    conformance: Mapping[str, Any] = field(default_factory=lambda: {"streams_judged": 0, "findings": []})
    complaint: str = ""  # why nothing can be judged, beside what the generator's figures say

    @property
    def failed_streams(self) -> int:
        """Return how many streams could not be opened; of a herd, before it was cut (see ``Herd`` for the rest)."""
        return self.herd.failed_before if self.herd else self.failed

    @property
    def driven(self) -> bool:
        """Return whether updates were triggered by us."""
        return self.rate is not None
