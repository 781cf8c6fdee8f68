"""What requests are to be made, out of the options that say so. Imports neither Locust nor gevent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target
from ssegauge.loadtests.driving import bodies, pacing
from ssegauge.loadtests.driving.bodies import Prompts


@dataclass(frozen=True, slots=True)
class Orders:
    """What is asked, and when. Of ``arrivals``, None says that users ask; they think for ``think_s`` on average."""

    target: Target
    think_s: float = 0.0
    arrivals: pacing.Arrivals | None = None
    bodies: tuple[Any, ...] = ()
    prompts: Prompts | None = None


def orders(
    target: Target,
    *,
    arrivals: str = "",
    think_s: float = 0.0,
    requests: str = "",
    prompts: str = "",
    shared_prefix: int = 0,
) -> Orders:
    """Return the orders that options give; raises CannotJudge for options that are none, or do not fit together.

    A target that wants prompts gets the usual ones where the options do not say which.
    """
    if requests and prompts:
        raise CannotJudge("--requests and --prompts: give one of them; write {prompt} into no file")
    if arrivals and think_s:
        raise CannotJudge("--think: with --arrivals nobody waits for an answer, and so nobody thinks; leave one out")
    if shared_prefix and not prompts:
        raise CannotJudge("--shared-prefix: is that of made-up prompts; say with --prompts how long they are")
    prompts = prompts or (bodies.USUAL if not requests and bodies.wants_some(target) else "")
    read = bodies.read(Path(requests)) if requests else None
    return Orders(
        replace(target, secrets=target.secrets | read.secrets) if read else target,
        think_s,
        pacing.arrivals(arrivals) if arrivals else None,
        read.bodies if read else (),
        bodies.prompts(prompts, shared_prefix, target) if prompts else None,
    )
