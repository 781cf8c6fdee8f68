"""Rules on who may read a stream: pages of other origins, readers without credentials, readers of another task."""

from collections import defaultdict
from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.rule import fetch, profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View

NO_TASKS = frozenset({"unknown-task", "malformed-id"})
ALLOW_LIST = profile(
    "S9.1",
    "Cross-origin access is an allow-list: `*` MUST NOT be combined with credentials, and an origin that is not on"
    " the list MUST NOT be reflected.",
)


def _cross_origin(seen: Seen) -> tuple[View, ...]:
    """Return the answers to requests that named an origin."""
    return tuple(view for view in (*seen.role("origin"), *seen.role("preflight")) if view.head)


def _allowed(view: View) -> str | None:
    return view.head.header("access-control-allow-origin") if view.head else None


@rule("security/cors-star-with-credentials", "must", ALLOW_LIST)
def cors_star_with_credentials(seen: Seen) -> Iterator[Mark]:
    """The origin `*` is not combined with credentials.

    Why: Browsers refuse the answer, so the page cannot read the stream; and whoever wrote it meant to let every page
    read with the user's cookies.

    Mend: Name the one origin that asked, if it is on the allow-list, and add `Vary: Origin`.

    Example: Access-Control-Allow-Origin: *, and Access-Control-Allow-Credentials: true
    """
    for view in _cross_origin(seen):
        credentials = view.head.header("access-control-allow-credentials") if view.head else None
        both = _allowed(view) == "*" and (credentials or "").strip() == "true"
        name = "access-control-allow-credentials"
        yield view.bad("`*` together with credentials", name) if both else view.good()


@rule("security/cors-star", "advice", ALLOW_LIST)
def cors_star(seen: Seen) -> Iterator[Mark]:
    """Cross-origin access is given to named origins.

    Why: With `*` every page that a user opens can read the streams whose ids it knows or guesses.

    Mend: Keep a list of origins, and name the one that asked if it is on the list; for the own pages send nothing.

    Example: Access-Control-Allow-Origin: *
    """
    for view in _cross_origin(seen):
        any_page = _allowed(view) == "*"
        yield view.bad("every origin may read", "access-control-allow-origin") if any_page else view.good()


@rule("security/cors-reflects-origin", "must", ALLOW_LIST)
def cors_reflects_origin(seen: Seen) -> Iterator[Mark]:
    """An origin that is not on the list is not allowed.

    Why: A server that allows whoever asks has no list: any page reads with the user's cookies.

    Mend: Compare the origin with a list, exactly, before naming it.

    Example: Origin: https://foreign.example, and Access-Control-Allow-Origin: https://foreign.example
    """
    for view in seen.role("origin", Facts(case="foreign")):
        if view.head:
            reflected = _allowed(view) == view.facts.origin
            summary = "an origin that nobody allowed is named"
            yield view.bad(summary, "access-control-allow-origin") if reflected else view.good()


@rule(
    "security/vary-origin-missing",
    "should",
    fetch(
        "cors-protocol-and-http-caches",
        "If CORS protocol requirements are more complicated than setting `Access-Control-Allow-Origin` to * or a"
        " static origin, `Vary` is to be used.",
    ),
)
def vary_origin_missing(seen: Seen) -> Iterator[Mark]:
    """An answer that depends on Origin says so.

    Why: A cache would give one origin the answer that was made for another, and its page may not read it.

    Mend: Send `Vary: Origin` on every answer of that address, with and without CORS fields.

    Example: Access-Control-Allow-Origin: https://app.example (no Vary)
    """
    answers = [view for view in (*seen.role("origin"), *seen.streams) if view.head and view.head.status == 200]
    named = [view for view in answers if _allowed(view) not in {None, "*"}]
    if len({_allowed(view) for view in answers}) < 2:
        return  # always the same answer: it does not depend on Origin
    for view in named:
        vary = {part.strip().lower() for part in ((view.head and view.head.header("vary")) or "").split(",")}
        yield view.good() if vary & {"origin", "*"} else view.bad("an origin is named without `Vary: Origin`", "vary")


@rule(
    "security/stream-without-auth",
    "must",
    profile(
        "S9.3",
        "Where streams need credentials, a request without them MUST be refused with 401 and a challenge.",
    ),
    over="no-token",
    needs=("stream.headers",),
)
def stream_without_auth(view: View) -> Iterator[Mark]:
    """A stream that needs credentials is not given without them.

    Why: Task ids travel in links and logs; whoever finds one reads the analysis.

    Mend: Check credentials on the stream's route as on all others. EventSource can send cookies, but no fields.

    Example: HTTP/1.1 200 OK, without Authorization
    """
    if view.is_event_stream and any(message.type != "error" for message in view.messages):
        yield view.bad("the stream was given without credentials", "status")
    elif view.head and 400 <= view.head.status < 500:
        yield view.good()


@rule("security/cross-task-leak", "must", profile("S9.4", "A stream MUST NOT show another task's events."))
def cross_task_leak(seen: Seen) -> Iterator[Mark]:
    """A stream shows the events of its own task alone.

    Why: The analysis of one customer's brand appears on another customer's screen.

    Mend: Keep subscribers by task id, and take care that no state is shared between requests (module globals, static
    fields, a reused buffer).

    Example: data: {"type":"progress","taskId":"another-task",...}
    """
    ids = (view.facts.task_id for view in seen.views if view.transcript.role not in NO_TASKS)
    tasks = {task_id for task_id in ids if task_id}
    if len(tasks) < 2:
        return
    owners = _owners_of_texts(seen)
    for view in seen.streams:
        if view.facts.task_id in tasks and view.messages:
            foreign = [one for one in view.messages if _owners(one, tasks, owners) - {view.facts.task_id}]
            yield view.bad("an event of another task", foreign[0]) if foreign else view.good()


def _owners_of_texts(seen: Seen) -> dict[str, str]:
    """Return the texts that we gave to one task alone, with its id."""
    given: dict[str, set[str]] = defaultdict(set)
    for update in seen.role("update"):
        text, task_id = update.facts.message, update.facts.task_id
        if text and task_id:
            given[text].add(task_id)
    return {text: next(iter(tasks)) for text, tasks in given.items() if len(tasks) == 1}


def _owners(message: Message, tasks: set[str], owners: dict[str, str]) -> set[str]:
    """Return the known tasks that the message belongs to."""
    ids = {one for one in (message.fields.get("taskId"), message.progress.get("taskId")) if isinstance(one, str)}
    text = message.progress.get("message")
    owner = owners.get(text) if isinstance(text, str) else None
    return (ids & tasks) | ({owner} if owner else set())
