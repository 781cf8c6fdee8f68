"""Events that are called or numbered wrongly, and responses that begin wrongly."""

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.named import Change, Events, behind, changed, changing, leaving_out, same
from ssegauge.reference_server.responses.faults.registry import breaks
from ssegauge.reference_server.responses.form import Responses

CREATED, COMPLETED, DELTA = "response.created", "response.completed", "response.output_text.delta"
FEW = 5


def _another_id(event: Json) -> Json:
    return {**event, "response": {**event["response"], "id": "resp_another"}}


FAULTS: dict[str, tuple[str, Change]] = {
    "responses/created-not-first": ("Sends no `response.created`.", leaving_out(CREATED)),
    "responses/created-repeated": ("Sends `response.created` twice.", behind(CREATED, same)),
    "responses/id-changes": ("Completes a response with another id.", changed(COMPLETED, _another_id)),
    "shape/breaks-schema": (
        "Sends a delta that is no text.",
        changed(DELTA, lambda event: {**event, "delta": {"text": event["delta"]}}, nth=2),
    ),
}
for code, (about, change) in FAULTS.items():
    breaks(code)(changing(Responses, about, change))


@breaks("responses/sequence-not-rising")
class CountsTwice(Responses):
    """Gives two events the same number."""

    def numbered(self, events: Events) -> Events:
        """Count one twice."""
        for event in super().numbered(events):
            number = event["sequence_number"]
            yield {**event, "sequence_number": number - (number > FEW)}


@breaks("responses/sequence-gap")
class LosesAnEvent(Responses):
    """Loses an event behind the place where they are numbered."""

    def numbered(self, events: Events) -> Events:
        """Leave a delta out."""
        return (event for event in super().numbered(events) if event["sequence_number"] != FEW)


@breaks("responses/sequence-missing")
class CountsNothing(Responses):
    """Does not number events."""

    def numbered(self, events: Events) -> Events:
        """Leave the numbers out."""
        return events


@breaks("responses/sequence-missing:one")
class CountsFromOne(Responses):
    """Numbers events from 1."""

    def numbered(self, events: Events) -> Events:
        """Add one."""
        return ({**event, "sequence_number": event["sequence_number"] + 1} for event in super().numbered(events))


@breaks("responses/name-differs")
class CallsItOtherwise(Responses):
    """Calls deltas `delta`."""

    def name(self, event: Json) -> str:
        """Return another name."""
        return "delta" if event["type"] == DELTA else super().name(event)


@breaks("responses/name-differs:nameless")
class CallsItNothing(Responses):
    """Sends events without names."""

    def named(self, event: Json) -> bytes:
        """Leave it out."""
        return self.block(event)
