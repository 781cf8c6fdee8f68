"""Rules on errors: in mid-stream, and in place of a stream."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.profiles.chat_completions.answers import DONE, error, errors, pieces
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.words import shown

TOLD = ("message", "detail", "error")  # where others than OpenAI put what is to be said


@rule("chat/error-told", "should", profile("C7.1"), over="streams", rests_on=("capacity/serves-few-at-once",))
def error_told(view: View) -> Iterator[Mark]:
    """An answer that was begun is finished.

    Why: The reader has half an answer and has paid for it; nothing of the rest can be judged here.

    Mend: Look into the log of the server, and of the model behind it, for what it says; a gateway may ask another model
    before the first token, but not after it.

    Example: data: {"error":{"message":"The server had an error while processing your request."}}
    """
    found = errors(view)
    if found:
        yield view.bad(f"an error in mid-stream: {shown(_said(found[0]))}", found[0])
    elif pieces(view) and view.ended_by_server:
        yield view.good()


def _said(message: Message) -> object:
    told = error(message)
    return told.get("message", told) if isinstance(told, dict) else told


@rule("chat/error-without-message", "should", profile("C7.2"), over="streams")
def error_without_message(view: View) -> Iterator[Mark]:
    """An error in mid-stream has a message.

    Why: OpenAI's clients raise what `error.message` says; of any other form they say "An error occurred during
    streaming", and nobody learns what.

    Mend: Send `data: {"error": {"message": "...", "type": "server_error", "param": null, "code": null}}`.

    Example: data: {"error":"overloaded"}
    """
    for message in errors(view):
        told = error(message)
        has_message = isinstance(told, dict) and isinstance(told.get("message"), str) and told["message"]
        yield view.good() if has_message else view.bad(f"an error without message: {shown(told)}", message)


@rule("chat/goes-on-after-error", "should", profile("C7.3"), over="streams")
def goes_on_after_error(view: View) -> Iterator[Mark]:
    """After an error nothing follows but `[DONE]`.

    Why: Clients raise the error and stop: what follows is lost.

    Mend: Return from the handler once the error is written.

    Example: data: {"error":{"message":"..."}}, and then data: {"choices":[{"delta":{"content":"Hi"}}]}
    """
    found = errors(view)
    if found:
        later = [one for one in view.messages if one.item.what.start > found[0].item.what.start]
        told = [one for one in later if one.event.data.strip() != DONE and not error(one)]
        yield view.bad("the answer goes on after an error", told[0]) if told else view.good()


def _refused(seen: Seen) -> Iterator[View]:
    """Yield the refusals of requests that were wrong, or without credentials."""
    for view in (*seen.role("bad-request"), *seen.role("no-token")):
        if view.head and 400 <= view.head.status < 500:
            yield view


@rule("chat/refusal-not-json", "should", profile("C7.4"))
def refusal_not_json(seen: Seen) -> Iterator[Mark]:
    """A refusal is JSON and says why.

    Why: Clients show `error.message`; of a page of HTML or an empty body they show the status, or the page.

    Mend: Answer `{"error": {"message": "...", "type": "invalid_request_error", "param": null, "code": null}}`, from the
    proxy too. FastAPI's own refusals have `detail` and Mistral's `message`: give them a handler of this form.

    Example: HTTP/1.1 404 Not Found, Content-Type: text/html
    """
    for view in _refused(seen):
        found = _form_of(view)
        if found is None:
            yield view.good()
        else:
            summary, level = found
            yield view.bad(f"{view.said()}{_for(view)}: {summary}", "content-type", level)


def _form_of(view: View) -> tuple[str, Level | None] | None:
    """Say what the body is in place of an error with a message; nothing where it is one."""
    body = view.json
    told = body.get("error") if isinstance(body, dict) else None
    if isinstance(told, dict) and isinstance(told.get("message"), str):
        return None
    if isinstance(body, dict):
        names = [name for name in TOLD if body.get(name)]
        other = f"what it says is in `{names[0]}`, not in `error.message`" if names else ""
        return (other, "advice") if other else ("no error in it", None)
    return ("the body is empty" if not view.body else "the body is no JSON object"), None


def _for(view: View) -> str:
    """Return what the request was, in words."""
    return {"not-json": " for a body that is no JSON", "unknown-model": " for an unknown model"}.get(
        view.facts.case or "", " without credentials"
    )


@rule("chat/refusal-5xx", "should", profile("C7.5"), over="bad-request")
def refusal_5xx(view: View) -> Iterator[Mark]:
    """A wrong request is not a failure of the server.

    Why: Clients take a 5xx for a passing failure: OpenAI's ask twice more by themselves, and alarms go off.

    Mend: Answer 400 for a body that cannot be read and 404 or 400 for a model that there is not.

    Example: HTTP/1.1 500 Internal Server Error, for a body that is no JSON
    """
    if view.head and not no_room(view):
        wrong = f"{view.said()}{_for(view)}"
        yield view.bad(wrong, "status") if view.head.status >= 500 else view.good()


@rule("chat/no-json-accepted", "advice", profile("C7.6"))
def no_json_accepted(seen: Seen) -> Iterator[Mark]:
    """A body that is no JSON is refused.

    Why: The client believes that it was understood, and pays for an answer to something else.

    Mend: Answer 400 and say where the JSON breaks off.

    Example: HTTP/1.1 200 OK, for a body that is no JSON
    """
    for view in seen.role("bad-request", Facts(case="not-json")):
        if view.head and not no_room(view):
            accepted = view.head.status < 300
            yield view.bad("a body that is no JSON was answered with 200", "status") if accepted else view.good()


@rule("chat/retry-after-missing", "advice", profile("C7.7"))
def retry_after_missing(seen: Seen) -> Iterator[Mark]:
    """A 429 says when to come back.

    Why: Clients wait as long as `Retry-After` says; without it they guess, too short under load.

    Mend: Send `Retry-After` with the seconds until there is room again.

    Example: HTTP/1.1 429 Too Many Requests (no Retry-After)
    """
    for view in (*seen.role("stream"), *seen.role("bad-request"), *seen.role("no-token")):
        if view.head and view.head.status == 429:
            waits = view.head.header("retry-after") or view.head.header("retry-after-ms")
            yield view.good() if waits else view.bad("429 without Retry-After", "retry-after")
