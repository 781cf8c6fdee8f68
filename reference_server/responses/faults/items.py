"""Items, parts and texts that are not added, not done, or told as something else."""

import itertools

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.named import (
    WEATHER,
    Change,
    Events,
    behind,
    calling,
    changed,
    changing,
    leaving_out,
    same,
    without,
)
from ssegauge.reference_server.generation.text import Tool
from ssegauge.reference_server.responses.faults.ends import finally_
from ssegauge.reference_server.responses.faults.registry import breaks
from ssegauge.reference_server.responses.form import Responses

ADDED, DONE = "response.output_item.added", "response.output_item.done"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
DELTA, TEXT = "response.output_text.delta", "response.output_text.done"
ARGUMENT, ARGUMENTS = "response.function_call_arguments.delta", "response.function_call_arguments.done"


def _nowhere(events: Events) -> Events:
    """Leave the item out, at its end and in the whole response."""
    return finally_(lambda _: {"output": []})(leaving_out(DONE)(events))


def _rotating(events: Events) -> Events:
    """Give each event another id of its item."""
    for number, event in zip(itertools.count(), events, strict=False):
        yield {**event, "item_id": f"item_{number}"} if "item_id" in event else event


def _late_delta(event: Json) -> Json:
    return {
        **{key: event[key] for key in ("item_id", "output_index", "content_index")},
        "type": DELTA,
        "delta": " P.S.",
    }


FAULTS: dict[str, tuple[str, Change]] = {
    "responses/goes-on-after-done": ("Adds to a text that is done.", behind(TEXT, _late_delta)),
    "responses/item-id-differs": ("Gives each event another item id.", _rotating),
    "responses/item-not-added": ("Adds no items.", leaving_out(ADDED)),
    "responses/item-not-done": ("Does not say that items are done.", leaving_out(DONE)),
    "responses/item-not-done:nowhere": ("Keeps no item that was added.", _nowhere),
    "responses/item-repeated": ("Adds an item twice.", behind(ADDED, same)),
    "responses/part-not-added": ("Adds no parts.", leaving_out(PART_ADDED)),
    "responses/part-not-done": ("Does not say that parts are done.", leaving_out(PART_DONE)),
    "responses/text-differs": ("Loses a delta.", without(DELTA, 3)),
    "responses/text-differs:empty": (
        "Says at its end that a text is empty.",
        changed(TEXT, lambda e: {**e, "text": ""}),
    ),
    "responses/text-differs:twice": ("Sends a delta twice.", behind(DELTA, same, nth=3)),
    "responses/text-not-done": ("Does not say that a text is done.", leaving_out(TEXT)),
}
for code, (about, change) in FAULTS.items():
    breaks(code)(changing(Responses, about, change))
breaks("responses/text-differs:arguments")(
    calling(Responses, "Loses a fragment of the arguments of a call.", without(ARGUMENT, 2)),
)


class Cut(Tool):
    """A tool whose arguments are cut short."""

    @property
    def arguments(self) -> str:
        """The arguments, without their end."""
        return super().arguments[:-3]


breaks("responses/arguments-not-json")(
    calling(
        Responses, "Cuts the arguments of a call short.", lambda events: events, Cut(WEATHER.name, WEATHER.parameters)
    ),
)
