"""Who may read a stream: pages of other origins, readers without credentials, readers of another task."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Promises
from tests.corpus.build import Case, connected, event, exchange, healthy, progress
from tests.corpus.delivery import update
from tests.corpus.delivery_complete import feed, publish
from tests.corpus.errors import answer, error

APP, FOREIGN = "https://app.example", "https://foreign.example"
PREFIX, SUFFIX, SIBLING = "https://notapp.example", "https://app.example.evil.example", "https://ssegauge.team.example"
ORIGINS = {"allowed": APP, "prefix": PREFIX, "suffix": SUFFIX, "null": "null", "sibling": SIBLING}


def origin(case: str, allow: str | None, role: str = "origin", **headers: str) -> Transcript:
    """The answer to a page of another origin."""
    named = {"Access-Control-Allow-Origin": allow, **{name.replace("_", "-"): text for name, text in headers.items()}}
    facts = {"case": case, "origin": ORIGINS.get(case, FOREIGN)}
    return exchange(connected(), role=role, headers=named, how="cut", **facts)


def in_team(named: str = "https://notapp.team.example") -> Transcript:
    """One that is named, as a look-alike of https://app.team.example."""
    return replace(origin("prefix", named, **WITH_CREDENTIALS), facts=Facts(case="prefix", origin=named))


WITH_CREDENTIALS: dict[str, str] = {"Access_Control_Allow_Credentials": "true"}
UNANSWERED = exchange(role="origin", answered=False, how="timeout", case="foreign", origin=FOREIGN)


def without_token(*chunks: bytes, **more: Any) -> tuple[Transcript, ...]:
    return (exchange(*chunks, role="no-token", how="timeout", **more),)


def said(task_id: Any, **state: Any) -> bytes:
    """A progress event of a task; its state is of the same task unless it names another."""
    inner = {"taskId": task_id, "status": "running", "stage": "x", "progress": 10, "message": "Working", **state}
    return event({"type": "progress", "taskId": task_id, "progress": inner, "timestamp": 1})


def other(*chunks: bytes) -> Transcript:
    """A stream of a second task."""
    return exchange(connected(taskId="task-2"), said("task-2"), *chunks, task_id="task-2")


SECRET = update(0, 10, message="for task 1 alone")
SHARED = (update(0, 10, message="step 1"), update(0, 10, message="step 1", task_id="task-2"))


def in_session(*told: int, subject: str | None, **more: Any) -> Transcript:
    return feed(*((1100.0 + 100 * n, n) for n in told), subject=subject, **more)


OWN = publish(0, subject="a")
CASES = {
    "security/told-to-others": Case(
        good=((OWN, in_session(0, subject="a"), in_session(1, subject="b")),),
        bad=((OWN, in_session(0, subject="a"), in_session(0, subject="b")), (OWN, in_session(0, subject="b"))),
        silent=(
            (OWN, in_session(0, subject=None)),  # it needs no session
            (publish(0), in_session(0, subject=None), in_session(0, subject=None, name="other")),
            (OWN, in_session(subject="b")),
        ),
        promises=Promises(shared=False),
    ),
    "security/cors-star-with-credentials": Case(
        good=(
            (origin("foreign", None),),
            (origin("foreign", "*"),),
            (origin("allowed", APP, **WITH_CREDENTIALS),),
            (origin("foreign", "*", Access_Control_Allow_Credentials="false"),),
        ),
        bad=(
            (origin("foreign", "*", **WITH_CREDENTIALS),),
            (origin("allowed", "*", role="preflight", **WITH_CREDENTIALS),),
        ),
        silent=((UNANSWERED,), (healthy(),)),
    ),
    "security/cors-star": Case(
        good=((origin("foreign", None), origin("allowed", APP)),),
        bad=((origin("foreign", "*"),),),
        silent=((UNANSWERED,),),
    ),
    "security/cors-reflects-origin": Case(
        good=(
            (origin("foreign", None),),
            (origin("foreign", APP),),
            (origin("foreign", "*"),),
            (origin("foreign", None), origin("prefix", APP), origin("suffix", None), origin("null", None)),
            # Each name of the team's domain is let in.
            (origin("foreign", None), in_team(), origin("sibling", SIBLING, **WITH_CREDENTIALS)),
        ),
        bad=(
            (origin("foreign", FOREIGN),),
            (origin("foreign", FOREIGN, **WITH_CREDENTIALS),),
            (origin("foreign", None), origin("prefix", PREFIX, **WITH_CREDENTIALS)),
            (origin("foreign", None), origin("suffix", SUFFIX)),
            (origin("foreign", None), origin("null", "null", **WITH_CREDENTIALS)),
            (origin("foreign", None), origin("null", "null")),  # advice
            (origin("foreign", None), in_team(), origin("sibling", None)),
            (in_team(), origin("sibling", SIBLING, **WITH_CREDENTIALS), in_team("https://notteam.example")),
        ),
        silent=((UNANSWERED,), (origin("allowed", APP),)),
    ),
    "security/allowed-origin-shut-out": Case(
        good=((origin("allowed", APP),), (origin("allowed", "*"),)),
        bad=((origin("allowed", None),), (origin("allowed", FOREIGN),), (origin("allowed", f"{APP}, {APP}"),)),
        silent=((origin("foreign", None),), (healthy(),)),
    ),
    "security/vary-origin-missing": Case(
        good=(
            (origin("allowed", APP, Vary="Origin"), origin("foreign", None)),
            (origin("allowed", APP, Vary="accept-encoding, ORIGIN"), healthy()),
            (origin("allowed", APP, Vary="*"), origin("foreign", None)),
        ),
        bad=(
            (origin("allowed", APP), origin("foreign", None)),
            (origin("allowed", APP, Vary="Accept-Encoding"), healthy()),
            (origin("foreign", FOREIGN), origin("allowed", APP)),
        ),
        silent=(
            (origin("allowed", APP), origin("foreign", APP)),  # a static origin does not depend on the request
            (origin("allowed", "*"), healthy()),
            (origin("foreign", None), healthy()),
            (UNANSWERED,),
        ),
    ),
    "security/stream-without-auth": Case(
        good=(
            (answer("no-token", 401),),
            (answer("no-token", 403),),
            (answer("no-token", 404),),
            (answer("no-token", 401), answer("no-token", 401, case="wrong")),
            (answer("no-token", 401), *without_token(error("No such key."), case="wrong")),
        ),
        bad=(
            (answer("no-token", 200, {"sign": "in"}),),
            (answer("no-token", 401), answer("no-token", 200, {"sign": "in"}, case="wrong")),
            without_token(connected()),
            without_token(connected(), progress(20)),
            without_token(b"data: 1\n\n"),
            (answer("no-token", 401), *without_token(connected(), progress(20), case="wrong")),
        ),
        silent=(
            without_token(error("Sign in first.")),
            without_token(),
            (answer("no-token", 302),),
            (answer("no-token", 204),),
            (exchange(role="no-token", answered=False, how="timeout"),),
        ),
    ),
    "security/cross-task-leak": Case(
        good=(
            (healthy(), other()),
            (healthy(), other(said("TASK-2"))),  # a wrong id, but nobody's
            (*SHARED, healthy(progress(10, message="step 1")), other(said("task-2", message="step 1"))),
            (healthy(), other(event([1]), said(["task-1"], message={}))),
        ),
        bad=(
            (healthy(), other(said("task-1"))),
            (healthy(), other(said("task-2", taskId="task-1"))),
            (healthy(), other(connected())),
            (SECRET, healthy(), other(said("task-2", message="for task 1 alone"))),
        ),
        silent=((healthy(),), (exchange(said("task-1"), task_id="task-2"),)),
    ),
}
