"""Responses that do not come to the end that the API promises, or whose end says something else than the stream."""

from collections.abc import Callable, Iterator

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.faults import StaysOpen
from ssegauge.reference_server.generation.form import FAILURE
from ssegauge.reference_server.generation.named import (
    Change,
    Events,
    behind,
    changed,
    changing,
    half,
    leaving_out,
    same,
)
from ssegauge.reference_server.responses.faults.registry import breaks
from ssegauge.reference_server.responses.form import Asked, Responses

COMPLETED, DELTA = "response.completed", "response.output_text.delta"
ERROR: Json = {"type": "error", "code": "server_error", "message": FAILURE, "param": None}


def finally_(change: Callable[[Json], Json]) -> Change:
    """Return what changes the response at its end."""
    return changed(COMPLETED, lambda event: {**event, "response": {**event["response"], **change(event["response"])}})


def _shortened(response: Json) -> Json:
    """Return the output with half of its text."""
    *others, last = response["output"]
    content = [{**part, "text": part["text"][: len(part["text"]) // 2]} for part in last["content"]]
    return {"output": [*others, {**last, "content": content}]}


def _unexplained(events: Events) -> Events:
    for event in events:
        if event["type"] == COMPLETED:
            incomplete = {**event["response"], "status": "incomplete"}
            yield {"type": "response.incomplete", "response": incomplete}
        else:
            yield event


def _total(response: Json) -> Json:
    return {"usage": {**response["usage"], "total_tokens": response["usage"]["output_tokens"]}}


FAULTS: dict[str, tuple[str, Change]] = {
    "end/marker-missing": ("Ends a response without `response.completed`.", leaving_out(COMPLETED)),
    "end/marker-missing:open": ("Does not end, and sends no `response.completed`.", leaving_out(COMPLETED)),
    "end/events-after-marker": ("Sends `response.completed` twice.", behind(COMPLETED, same)),
    "responses/end-unexplained": ("Does not say why a response is incomplete.", _unexplained),
    "responses/error-shape": ("Tells an error in another shape.", half({"type": "error", "detail": FAILURE})),
    "responses/goes-on-after-error": ("Tells an error, and goes on.", behind(DELTA, lambda _: ERROR, nth=3)),
    "responses/output-differs": ("Keeps half of the text.", finally_(_shortened)),
    "responses/output-differs:empty": ("Keeps no output.", finally_(lambda _: {"output": []})),
    "responses/status-differs": (
        "Completes a response that is in progress.",
        finally_(lambda _: {"status": "in_progress"}),
    ),
    "responses/usage-missing": ("Does not say what the response cost.", finally_(lambda _: {"usage": None})),
    "responses/usage-total-wrong": ("Counts the tokens of the answer alone.", finally_(_total)),
}
for code, (about, change) in FAULTS.items():
    breaks(code)(changing(Responses, about, change))
breaks("end/marker-missing:open")(StaysOpen)


@breaks("responses/done-marker")
class SaysDone(Responses):
    """Sends `[DONE]` after the last event."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Add it."""
        yield from super().blocks(asked)
        yield b"data: [DONE]\n\n"
