"""Every rule is proven by a server that breaks it, and a healthy server sets off none.

Here each fault meets the probes that its rule needs; `make matrix` plays all of them and writes down which other rules
fire (docs/detection-matrix.md).
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from conformance.rules import RULES
from reference_server import faults
from tests.matrix import found

CAUGHT_BY_A_CHECK = [code for code in faults.codes() if code in RULES]
# Faults that only a load run can see; tests/loadtests proves them.
CAUGHT_UNDER_LOAD = {"performance/event-lost", "performance/event-duplicated", "performance/event-reordered"}
PROBES = {
    "response": ("happy-path", "paced", "http10"),
    "wire": ("happy-path", "paced"),
    "shape": ("happy-path", "failing", "paced"),
    "lifecycle": ("happy-path", "failing", "paced", "resume", "race"),
    "resume": ("happy-path", "paced", "resume", "stale", "origins", "plain"),
    "liveness": ("idle", "unknown-task"),
    "delivery": ("paced", "compressed", "steady"),
    "errors": (
        *("failing", "unknown-task", "malformed-id", "other-methods", "head"),
        *("query", "large-header", "no-token", "paced"),
    ),
    "cleanup": ("happy-path", "leave-a-running-task", "storm", "cycles"),
    "slow": ("paced", "slow-reader"),
    "security": ("happy-path", "resume", "stale", "canaries", "origins", "no-token"),
}
AT_ONCE = 5


@pytest.fixture(scope="module")
def checks() -> Iterator[dict[str, Future[dict[str, str]]]]:
    """A check of every faulty server, several at a time; a test waits for its own."""
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool:
        yield {code: _submit(pool, code) for code in CAUGHT_BY_A_CHECK}
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, code: str) -> Future[dict[str, str]]:
    rule = RULES[code]
    # What takes longer than --quick waits: heartbeats, polling, and whether a task went on after its reader left.
    return pool.submit(found, (code,), PROBES[rule.group], quick=not rule.patient and rule.group != "cleanup")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", CAUGHT_BY_A_CHECK)
def test_the_fault_is_caught_by_its_rule(code: str, checks: dict[str, Future[dict[str, str]]]) -> None:
    assert code in checks[code].result()


def test_the_healthy_server_sets_off_no_rule() -> None:
    assert found(()) == {}


def test_the_healthy_server_sets_off_no_rule_of_any_event_stream() -> None:
    assert found((), profile="event-stream") == {}


def test_every_rule_has_a_fault() -> None:
    assert sorted(set(RULES) - set(faults.codes())) == []


def test_every_fault_has_a_rule() -> None:
    assert set(faults.codes()) - set(RULES) == CAUGHT_UNDER_LOAD | {"ticket-as-written"}


def test_the_tickets_own_design_breaks_what_it_was_known_to_break() -> None:
    """The code in the ticket polls every 2 s, never closes the stream, sends no ids, and lets every origin read."""
    assert {
        "lifecycle/stream-open-after-terminal",
        "resume/ids-missing",
        "resume/retry-missing",
        "security/cors-star",
    } <= set(found(("ticket-as-written",), ("happy-path", "paced", "origins"), quick=True))
