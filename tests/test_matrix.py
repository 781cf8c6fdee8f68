"""Every rule is proven by a server that breaks it, and a healthy server sets off none.

Here each fault meets the probes that its rule needs; `make matrix` plays all of them and writes down which other rules
fire (docs/detection-matrix.md).
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.target import Profile
from ssegauge.reference_server import faults
from tests.forked import FORKED
from tests.matrix import NotObservedError, found

CAUGHT_BY_A_CHECK = [code for code in faults.codes() if code in RULES]
# Faults that only a load run can see; tests/loadtests proves them.
CAUGHT_UNDER_LOAD = {"performance/event-lost", "performance/event-duplicated", "performance/event-reordered"}
# What shows the faults of a group, those that take longest first.
PROBES = {
    "delivery/polled": ("steady",),
    "cleanup/disconnect-stops-task": ("happy-path", "leave-a-running-task"),
    "ticket-as-written": ("happy-path", "paced", "origins"),
    "cleanup": ("storm", "cycles"),
    "lifecycle": ("failing", "paced", "race"),
    "slow": ("slow-reader",),
    "liveness": ("idle", "unknown-task"),
    "errors": (
        *("failing", "unknown-task", "malformed-id", "other-methods", "head"),
        *("query", "large-header", "no-token"),
    ),
    "response": ("paced", "http10"),
    "delivery": ("paced", "compressed"),
    "resume": ("resume", "stale", "origins", "plain"),
    "wire": ("happy-path",),
    "shape": ("happy-path", "failing"),
    "security": ("stale", "canaries", "origins", "no-token"),
}
# What takes longer than --quick waits: heartbeats, polling, and whether a task went on after its reader left.
PATIENT = {"cleanup/disconnect-stops-task", *(code for code, rule in RULES.items() if rule.patient)}
AT_ONCE = 10


@pytest.fixture(scope="module")
def checks() -> Iterator[dict[str, Future[dict[str, str]]]]:
    """A check of every faulty server, several at a time; a test waits for its own."""
    by_length = sorted(["ticket-as-written", *CAUGHT_BY_A_CHECK], key=lambda code: list(PROBES).index(_shown_by(code)))
    with ProcessPoolExecutor(AT_ONCE, mp_context=FORKED) as pool:
        yield {code: pool.submit(_check, code) for code in by_length}
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def healthy(checks: dict[str, Future[dict[str, str]]]) -> Iterator[dict[Profile, Future[dict[str, str]]]]:
    """Checks of the healthy server, undisturbed by those of faulty ones."""
    wait(checks.values())
    with ProcessPoolExecutor(mp_context=FORKED) as pool:
        yield {
            "task-progress": pool.submit(_check_healthy),
            "event-stream": pool.submit(found, (), profile="event-stream"),
        }


def _check(code: str) -> dict[str, str]:
    return found((code,), PROBES[_shown_by(code)], quick=code not in PATIENT)


def _check_healthy() -> dict[str, str]:
    try:
        return found(())
    except NotObservedError:  # as a moment of a busy machine may hide a situation; a finding is never looked at twice
        return found(())


def _shown_by(code: str) -> str:
    return code if code in PROBES else RULES[code].group


@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", CAUGHT_BY_A_CHECK)
def test_the_fault_is_caught_by_its_rule(code: str, checks: dict[str, Future[dict[str, str]]]) -> None:
    caught = checks[code].result()
    if code not in caught:  # our own delay widens the limits, and among so many it may hide a fault: look again, alone
        wait(checks.values())
        caught = _check(code)
    assert code in caught


def test_the_healthy_server_sets_off_no_rule(healthy: dict[Profile, Future[dict[str, str]]]) -> None:
    assert healthy["task-progress"].result() == {}


def test_the_healthy_server_sets_off_no_rule_of_any_event_stream(
    healthy: dict[Profile, Future[dict[str, str]]],
) -> None:
    assert healthy["event-stream"].result() == {}


def test_every_rule_has_a_fault() -> None:
    assert sorted(set(RULES) - set(faults.codes())) == []


def test_every_fault_has_a_rule() -> None:
    assert set(faults.codes()) - set(RULES) == CAUGHT_UNDER_LOAD | {"ticket-as-written"}


def test_the_tickets_own_design_breaks_what_it_was_known_to_break(checks: dict[str, Future[dict[str, str]]]) -> None:
    """The code in the ticket polls every 2 s, never closes the stream, sends no ids, and lets every origin read."""
    assert {
        "lifecycle/stream-open-after-terminal",
        "resume/ids-missing",
        "resume/retry-missing",
        "security/cors-star",
    } <= set(checks["ticket-as-written"].result())
