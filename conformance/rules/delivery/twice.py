"""The rule on events that come twice each, with no id that would say so."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import shown

APART_MS = 20.0  # what comes closer is told of one moment
LEAST_MOMENTS, MOSTLY = 5, 0.8
CLOSE = 0.15  # of the usual step from one event to another


@rule(
    "delivery/told-twice",
    "should",
    profile("E5.2"),
    over="streams",
    rests_on=("delivery/update-duplicated", "resume/ids-repeated"),
)
def told_twice(view: View) -> Iterator[Mark]:
    r"""What happens once is told once.

    Why: A chat shows each message twice, a sum counts each amount twice, and no reader can tell.

    Mend: Look for a listener that is added again (with each reader, each reconnect, by a component that is mounted
    twice), and for two processes that both pass on what both are told. With an id on each event readers could tell.

    Example: data: {"text": "hello"}\n\ndata: {"text": "hello"}, and so it is with each event
    """
    ordinary = view.timed and view.facts.situation != "canary" and view.transcript.request.method == "GET"
    moments = _moments(view) if ordinary else []
    if len(moments) < LEAST_MOMENTS:
        return
    twice = [moment for moment in moments if min(Counter(map(_words, moment)).values()) > 1]
    different = {_words(message) for moment in twice for message in moment}
    if len(twice) >= MOSTLY * len(moments) and len(different) >= LEAST_MOMENTS:
        first = twice[0][0]
        told = f"{len(twice)} of {len(moments)} times the same came twice or more in one moment, as"
        yield view.bad(f"{told} {shown(first.event.data)}", first)
    else:
        yield view.good()


def _moments(view: View) -> list[list[Message]]:
    """Return the events, heartbeats left out, by what came together, or one close behind the other.

    What two listeners pass on comes apart by what each of them does first, and far closer than what happens next.
    """
    told = [message for message in view.messages if not names_heartbeat(message)]
    pairs = [(_words(one) == _words(after), after.item.at_ms - one.item.at_ms) for one, after in pairwise(told)]
    steps = [apart for again, apart in pairs if not again]
    close_ms = max(APART_MS, CLOSE * median(steps)) if len(steps) >= LEAST_MOMENTS - 1 else APART_MS
    moments = [told[:1]] if told else []
    for message, (again, apart_ms) in zip(told[1:], pairs, strict=True):
        if apart_ms <= (close_ms if again else APART_MS):
            moments[-1].append(message)
        else:
            moments.append([message])
    return moments


def _words(message: Message) -> tuple[str, str]:
    """Return what an event says, whatever its id and its time."""
    kind, _, data = timeless(message)
    return kind, data
