"""Every rule is proven by a server that breaks it, and healthy servers set off none.

Here each fault meets the probes that its rule needs; `make matrix` plays all of them and writes down which other rules
fire (docs/detection-matrix.md).
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, wait

import pytest

from ssegauge.conformance.catalogue import PROBES, RULES
from ssegauge.conformance.target import Profile
from ssegauge.reference_server import PROFILES, faults_of
from ssegauge.reference_server import Profile as Served
from tests.conftest import asked_for
from tests.forked import FORKED
from tests.matrix import NotObservedError, Row, broken, checked, found, not_observed, results_of, rows, shown

ALL = [row for server in PROFILES for row in rows(server)]
CAUGHT_BY_A_CHECK = [row for row in ALL if not row.is_of_generations]
# Further variants of a fault are left to `make matrix`, and so are those of the feed that the server of tasks has too.
OF_BOTH = {row._replace(server="event-stream") for row in rows("task-progress")}
PLAYED = [
    pytest.param(row, marks=pytest.mark.matrix if ":" in row.fault or row in OF_BOTH else ())
    for row in CAUGHT_BY_A_CHECK
]
# Faults that only a load run can see; tests/loadtests proves them.
CAUGHT_UNDER_LOAD = {"performance/event-lost", "performance/event-duplicated", "performance/event-reordered"}
# What shows the faults of a group, those that take longest first.
OF_TASKS = {
    "delivery/polled": ("steady",),
    "cleanup/disconnect-stops-task": ("happy-path", "leave-a-running-task"),
    "ticket-as-written": ("happy-path", "paced", "origins"),
    "cleanup/head-leaves-work": ("heads",),
    "cleanup": ("storm", "cycles"),
    "lifecycle": ("failing", "paced", "race"),
    "slow": ("slow-reader",),
    "liveness": ("idle", "unknown-task"),
    "errors": (
        *("failing", "unknown-task", "malformed-id", "other-methods", "head"),
        *("query", "large-header", "malformed", "malformed-bodies", "no-token"),
    ),
    "response": ("paced", "http10"),
    "delivery": ("paced", "compressed"),
    "resume": ("resume", "stale", "origins", "plain"),
    "wire": ("happy-path",),
    "shape": ("happy-path", "failing"),
    "security/cross-task-leak": ("paced", "resume", "stale"),
    "security": ("stale", "canaries", "origins", "no-token"),
}
OF_THE_FEED = {
    "capacity": ("crowd",),
    "capacity/serves-few-at-once:calls": ("said-alone", "published"),
    "capacity/serves-few-at-once:newest": ("crowd", "plain", "replaced"),
    "cleanup/head-leaves-work": ("heads",),
    "cleanup/open-count-wrong": ("plain-storm",),
    "cleanup/socket-held-after-fin": ("plain-storm",),
    "cleanup/socket-held-after-rst": ("plain-storm",),
    "cleanup/half-open-held": ("vanish",),
    "cleanup": ("plain-cycles",),
    "delivery/batched": ("published", "plain"),
    "delivery/held-by-compression": ("compressed", "compression"),
    "delivery/text-altered": ("canaries",),
    "delivery/told-twice": ("plain",),
    "delivery/update-lost": ("steady",),
    "delivery/update-lost:large": ("canaries",),
    "delivery/update-lost:after-quiet": ("watch", "published", "quiet"),
    "delivery": ("published", "plain"),
    "end/cut-by-timeout": ("watch",),
    "end": ("plain",),
    "errors": ("other-methods", "head", "query", "large-header", "malformed", "malformed-bodies", "no-token"),
    "liveness": ("watch",),
    "response/not-in-its-coding": ("compression",),
    "response": ("plain",),
    "resume": ("plain", "unknown-ids"),
    "security/told-to-others": ("published", "watch"),
    "security": ("canaries", "origins", "no-token"),
    "slow": ("slow-reader",),
    "shape": ("plain",),
    "wire": ("plain", "published"),
}
OF_THE_CHAT = dict.fromkeys(("capacity", "end", "liveness", "shape", "wire"), ("plain",))
SHOWN_BY: Mapping[Served, Mapping[str, tuple[str, ...]]] = {
    "task-progress": OF_TASKS,
    "event-stream": OF_THE_FEED,
    "chat-completions": OF_THE_CHAT,
}
# What takes longer than --quick waits: heartbeats, polling, and whether a task went on after its reader left.
PATIENT = {"cleanup/disconnect-stops-task", *(code for code, rule in RULES.items() if rule.patient)}
PATIENT_PROBES = {one.name for one in PROBES if one.stage == "patient"}
TICKET = Row("task-progress", "ticket-as-written")
AT_ONCE = 10
# What healthy servers have no occasion to show, as beginnings of codes: here none uses HTTP/2, the feed never ends, and
# a chat server takes POST alone, so that nobody comes back, tells nothing of others and is silent only between answers.
NOT_THERE: Mapping[Served, tuple[str, ...]] = {
    "event-stream": (
        *("cleanup/half-open-held", "delivery/held-to-the-end", "end/", "liveness/heartbeat-is-an-event"),
        *("response/204-with-body", "response/connection-field-in-http2", "response/few-streams-in-http2"),
        "response/malformed-http2",
        *("resume/replays-without-ids", "security/told-to-others", "shape/json-rpc-response", "shape/name-missing"),
        *("text/", "wire/reset-in-http2", "wire/truncated-"),
    ),
    "chat-completions": (
        *("cleanup/", "chat/error-without-message", "chat/goes-on-after-error", "chat/tool-"),
        *("chat/retry-after-missing", "delivery/", "end/cut-by-timeout", "errors/head-hangs"),
        *("errors/large-header-5xx", "errors/malformed-request-5xx", "errors/query-garbage-5xx", "liveness/goes-deaf"),
        *("liveness/heartbeat-", "response/chunked-to-http10"),
        *("response/204-with-body", "response/cacheable", "response/connection-field-in-http2"),
        *("response/redirected", "shape/json-rpc-response", "shape/name-missing"),
        *("response/few-streams-in-http2", "response/malformed-http2", "resume/", "security/injection-"),
        *("response/not-in-its-coding", "security/allowed-origin-shut-out", "security/told-to-others"),
        *("security/vary-origin-missing", "slow/", "wire/reset-in-http2"),
        *("wire/event-named-open-or-error", "wire/id-too-long", "wire/retry-"),
    ),
}


@pytest.fixture(scope="module")
def checks(request: pytest.FixtureRequest) -> Iterator[dict[Row, Future[dict[str, str]]]]:
    """A check of every faulty server, several at a time; a test waits for its own."""
    with ProcessPoolExecutor(AT_ONCE, mp_context=FORKED) as pool:
        yield {row: pool.submit(_check, row) for row in sorted([TICKET, *asked_for(request, "row")], key=_turn)}
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def healthy(checks: dict[Row, Future[dict[str, str]]]) -> Iterator[dict[Profile, Future[dict[str, str]]]]:
    """Checks of the healthy server of tasks, undisturbed by those of faulty ones."""
    wait(checks.values())
    with ProcessPoolExecutor(mp_context=FORKED) as pool:
        yield {
            "task-progress": pool.submit(_check_healthy),
            "event-stream": pool.submit(found, (), profile="event-stream"),
        }


@pytest.fixture(scope="module")
def healthy_streams(
    healthy: dict[Profile, Future[dict[str, str]]],
) -> Iterator[dict[Served, Future[tuple[dict[str, str], list[str]]]]]:
    """Checks of the healthy feed and the healthy chat server, after those of the others."""
    wait(healthy.values())
    with ProcessPoolExecutor(mp_context=FORKED) as pool:
        yield {server: pool.submit(_look_at_healthy, server) for server in NOT_THERE}


def _look_at_healthy(server: Served) -> tuple[dict[str, str], list[str]]:
    """Return what is broken, and what did not come up."""
    results = results_of(Row(server))
    return broken(results), not_observed(results)


def _check(row: Row) -> dict[str, str]:
    probes, quick = _plan(row)
    return checked(row, probes, quick=quick)


def _plan(row: Row) -> tuple[tuple[str, ...], bool]:
    """Return the probes that show the fault, and whether they may hurry."""
    probes = SHOWN_BY[row.server][_shown_by(row)]
    patient = row.fault in PATIENT or row.code in PATIENT or PATIENT_PROBES & {*probes} or row.server != PROFILES[0]
    return probes, not patient


def _turn(row: Row) -> tuple[float, int]:
    """Return when the row is to be checked: those that take longest come first."""
    return -shown(row).heartbeat_s, [*SHOWN_BY[row.server]].index(_shown_by(row))


def _check_healthy() -> dict[str, str]:
    try:
        return found(())
    except NotObservedError:  # as a moment of a busy machine may hide a situation; a finding is never looked at twice
        return found(())


def _shown_by(row: Row) -> str:
    known = SHOWN_BY[row.server]
    return next((name for name in (row.fault, row.code) if name in known), "") or RULES[row.code].group


@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", PLAYED, ids=str)
def test_the_fault_is_caught_by_its_rule(
    row: Row, checks: dict[Row, Future[dict[str, str]]], request: pytest.FixtureRequest
) -> None:
    if "vanish" in SHOWN_BY[row.server][_shown_by(row)]:
        request.getfixturevalue("may_vanish")
    caught = checks[row].result()
    if row.code not in caught:  # our own delay widens the limits, and among so many it may hide a fault: look again
        wait(checks.values())
        caught = _check(row)
    assert row.code in caught


def test_the_healthy_server_sets_off_no_rule(healthy: dict[Profile, Future[dict[str, str]]]) -> None:
    assert healthy["task-progress"].result() == {}


def test_the_healthy_server_sets_off_no_rule_of_any_event_stream(
    healthy: dict[Profile, Future[dict[str, str]]],
) -> None:
    assert healthy["event-stream"].result() == {}


@pytest.mark.parametrize("server", NOT_THERE)
def test_a_healthy_stream_sets_off_no_rule_and_shows_what_it_has(
    server: Served, healthy_streams: dict[Served, Future[tuple[dict[str, str], list[str]]]]
) -> None:
    wrong, unseen = healthy_streams[server].result()
    assert wrong == {}
    assert {code for code in unseen if not code.startswith(NOT_THERE[server])} == set()


def test_every_rule_has_a_fault() -> None:
    assert sorted(set(RULES) - {row.code for row in ALL}) == []


def test_every_fault_has_a_rule() -> None:
    codes = {Row(server, code).code for server in PROFILES for code in faults_of(server)}
    assert codes - set(RULES) == CAUGHT_UNDER_LOAD | {TICKET.fault}


def test_the_tickets_own_design_breaks_what_it_was_known_to_break(checks: dict[Row, Future[dict[str, str]]]) -> None:
    """The code in the ticket polls every 2 s, never closes the stream, sends no ids, and lets every origin read."""
    assert {
        "lifecycle/stream-open-after-terminal",
        "resume/ids-missing",
        "resume/retry-missing",
        "security/cors-star",
    } <= set(checks[TICKET].result())
