"""Wire forms whose events are JSON objects with a type, and are named by it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.form import Form
from ssegauge.reference_server.generation.text import Tool

Events = Iterator[Json]
Change = Callable[[Events], Events]
WEATHER = Tool("get_weather", {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})


class Named(Form):
    """Encodes an answer's events, each with its type as its name."""

    def events(self, asked: Any) -> Events:  # noqa: ANN401 - the form's own `Asked`
        """Yield the events of a stream as JSON objects."""
        raise NotImplementedError

    def blocks(self, asked: Any) -> Iterator[bytes]:  # noqa: ANN401 - the form's own `Asked`
        """Yield the events of a stream, one at a time."""
        return map(self.named, self.events(asked))

    def named(self, event: Json) -> bytes:
        """Return an event with its name."""
        return b"event: " + self.name(event).encode() + b"\n" + self.block(event)

    def name(self, event: Json) -> str:
        """Return what an event is called."""
        return str(event["type"])


def changing(form: type[Named], about: str, change: Change) -> type[Named]:
    """Return the form with a defect in an answer's events; `about` says in a sentence what it is."""

    class Changed(form):  # type: ignore[misc, valid-type] # a base that is chosen by the caller
        def events(self, asked: Any) -> Events:  # noqa: ANN401 - the form's own `Asked`
            return change(super().events(asked))

    Changed.__doc__ = about
    return Changed


def calling(form: type[Named], about: str, change: Change, tool: Tool = WEATHER) -> type[Named]:
    """Return the form with a defect in an answer that calls a tool, whether one was offered or not."""

    class Calling(changing(form, about, change)):  # type: ignore[misc] # a base that is chosen by the caller
        def asked(self, body: Json) -> Any:  # noqa: ANN401 - the form's own `Asked`
            asked = super().asked(body)
            return replace(asked, answer=replace(asked.answer, pieces=(), is_cut=False, calls=(tool,)))

    Calling.__doc__ = about
    return Calling


def leaving_out(*kinds: str) -> Change:
    """Return what takes the events of these types out."""
    return lambda events: (event for event in events if event["type"] not in kinds)


def changed(kind: str, change: Callable[[Json], Json], nth: int | None = None) -> Change:
    """Return what changes the events of a type, or the nth of them alone; the first is 1."""

    def apply(events: Events) -> Events:
        seen = 0
        for event in events:
            seen += event["type"] == kind
            wanted = event["type"] == kind and nth in {None, seen}
            yield change(event) if wanted else event

    return apply


def behind(kind: str, more: Callable[[Json], Json], nth: int = 1) -> Change:
    """Return what puts an event behind the nth event of a type; it is made of that one."""

    def apply(events: Events) -> Events:
        seen = 0
        for event in events:
            yield event
            seen += event["type"] == kind
            if event["type"] == kind and seen == nth:
                yield more(event)

    return apply


def without(kind: str, nth: int) -> Change:
    """Return what takes the nth event of a type out; the first is 1."""

    def apply(events: Events) -> Events:
        seen = 0
        for event in events:
            seen += event["type"] == kind
            if event["type"] != kind or seen != nth:
                yield event

    return apply


def half(more: Json) -> Change:
    """Return what breaks an answer off in its midst with this event."""

    def apply(events: Events) -> Events:
        whole = list(events)
        yield from whole[: len(whole) // 2]
        yield more

    return apply


def same(event: Json) -> Json:
    """Return the event as it is."""
    return event
