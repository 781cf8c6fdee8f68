"""Which options of a load run fit together, and what is meant where they do not. Imports neither Locust nor gevent.

Every complaint is one line that names the option and the remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target
from ssegauge.conformance.target.file import meant
from ssegauge.loadtests.judging import asked
from ssegauge.loadtests.measuring import shape

if TYPE_CHECKING:
    from ssegauge.loadtests.running.cli import Options

HERD: Final = "herd"
USUAL_USERS: Final = 50
USUAL_S: Final = 30.0
UNSHAPED: Final = {
    "arrivals": "requests arrive by their plan, whatever the users; leave one of them out",
    "web": "Locust's page asks for the users itself; leave one of them out",
}


def shaped(options: Options, target: Target) -> Options:
    """Return the options with the users and the duration that a shape says, the target file's where none is asked for.

    Raises CannotJudge for a shape that is none, or beside an option that says something else.
    """
    own = (
        options.scenario == HERD
        or options.users != USUAL_USERS
        or options.duration_s != USUAL_S
        or any(getattr(options, no) for no in UNSHAPED)
    )
    if not options.shape and (own or not target.shape):  # what the command line says counts more than the file
        return options
    found = shape.parse(options.shape) if options.shape else shape.parse(target.shape, "shape")
    _check_alone(options)
    rate = max(options.spawn_rate, float(found.most))  # they are all there before the first one is wanted
    return replace(options, shape=str(found), users=found.most, duration_s=found.duration_s, spawn_rate=rate)


def planned(options: Options) -> Options:
    """Return the options with as many users as a shape wants at most; raises CannotJudge."""
    return replace(options, users=shape.parse(options.shape).most) if options.shape else options


def check_limit(options: Options) -> None:
    """Raise CannotJudge for a shape where the search of the limit says how many streams there are."""
    if options.shape:
        raise CannotJudge("--shape: with --find-limit the search says how many streams there are; leave one out")


def check_possible(stated: Sequence[str], abort_on: Sequence[str], target: Target, *, asks: bool, herds: bool) -> None:
    """Raise CannotJudge for an objective that a run cannot have: see ``asked.check``."""
    tokens = target.promises.token is not None
    texts = [(text, "objectives" if text in target.objectives else "--objective") for text in stated]
    for text, option in (*texts, *((text, "--abort-on") for text in abort_on)):
        asked.check(text, asks=asks, herds=herds, tokens=tokens, option=option)


def no_scenario(scenario: str, known: Sequence[str]) -> str:
    """Return what to say of a scenario that is none."""
    return f"--scenario {scenario}: none of {', '.join(known)}, nor the path of a locustfile{meant(scenario, known)}"


def _check_alone(options: Options) -> None:
    if options.users != USUAL_USERS:
        raise CannotJudge(f"--users {options.users}: --shape says how many streams there are; leave one of them out")
    if options.scenario == HERD:
        raise CannotJudge(
            "--shape: in --scenario herd all readers come at once; choose another scenario, or leave it out"
        )
    if options.duration_s != USUAL_S:
        raise CannotJudge("--duration: --shape says how long the run is; leave one of them out")
    for name, remedy in UNSHAPED.items():
        if getattr(options, name):
            raise CannotJudge(f"--shape: with --{name} {remedy}")
