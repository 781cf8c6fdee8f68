"""The demo workload: a brand analysis that reports its stages and time left; deterministic by seed.

It waits one interval as `pending`, then spends one in each of `steps` stages: (steps + 1) intervals in all.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from itertools import pairwise

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.tasks import Task, Tasks

STAGES = (
    ("Collecting mentions", "Searching answer engines for mentions of {brand}"),
    ("Analyzing sentiment", "Rating what the mentions say about {brand}"),
    ("Comparing competitors", "Finding the brands named next to {brand}"),
    ("Scoring visibility", "Weighing how often and how early {brand} is named"),
    ("Writing recommendations", "Drafting what {brand} can do next"),
)
NAMES = ("Acme", "Globex", "Initech")
FAILURE = "{stage} failed because a data source did not answer. Start the analysis again in a minute."


@dataclass(frozen=True, slots=True)
class Spec:
    """What to analyze: `steps` stages of `interval_ms` each, failing in stage `fail_at` (from 1)."""

    brand: str = "Example"
    steps: int = 5
    interval_ms: int = 1_000
    fail_at: int | None = None
    manual: bool = False
    seed: int = 0


async def run(tasks: Tasks, task: Task, spec: Spec) -> None:
    """Move the task through its stages to its end; updates from outside that are ahead of it win."""
    for step in range(1, spec.steps + 2):
        await asyncio.sleep(spec.interval_ms / 1000)
        if task.ended:
            return
        with contextlib.suppress(RefusedError):
            tasks.move(task, update(spec, step))


def update(spec: Spec, step: int) -> Json:
    """Return the update for the beginning of `step`, of which the one after the last is the end."""
    if step > spec.steps:
        return {"status": "completed", "results": results(spec)}
    stage, message = STAGES[(step - 1) * len(STAGES) // spec.steps]
    if step == spec.fail_at:
        return {"status": "failed", "error": FAILURE.format(stage=stage)}
    return {
        "status": "running",
        "stage": stage,
        "progress": 100 * (step - 1) // spec.steps,
        "message": f"{message.format(brand=spec.brand)} (step {step} of {spec.steps})",
        "estimatedTimeRemaining": (spec.steps - step + 1) * spec.interval_ms / 1000,
    }


def results(spec: Spec) -> Json:
    """Return made-up findings, the same for the same seed and brand."""
    dice = random.Random(f"{spec.seed}/{spec.brand}")  # noqa: S311 - demo figures, not secrets
    return {
        "brand": spec.brand,
        "mentions": dice.randrange(100, 5_000),
        "sentiment": round(dice.uniform(-1, 1), 2),
        "competitors": [{"name": name, "share": share} for name, share in zip(NAMES, shares(dice), strict=True)],
        "visibilityScore": dice.randrange(0, 101),
        "recommendations": ["Answer the questions that your competitors are named for."],
    }


def shares(dice: random.Random) -> list[float]:
    """Return a share for each name, in hundredths that add up to 1."""
    cuts = [0, *sorted(dice.randrange(101) for _ in NAMES[1:]), 100]
    return [(end - begin) / 100 for begin, end in pairwise(cuts)]
