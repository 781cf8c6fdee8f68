"""Whether a request was answered, and whether what it was answered with says anything of the request."""

from ssegauge.conformance.seen import Seen, View

BUSY = frozenset({429, 503})
LEAST_PATIENCE_S = 2.0
SLACK_MS = 500.0


def unanswered(view: View) -> bool:
    """Whether we waited for the head of an answer in vain."""
    end = view.transcript.end
    return view.head is None and end is not None and end.how == "timeout"


def no_room(view: View) -> bool:
    """Whether we were refused for want of room: a matter of load, which says nothing of the request."""
    return view.head is not None and view.head.status in BUSY


def waited_long(seen: Seen, view: View) -> bool:
    """Whether we waited in vain, and for so long that it cannot be slowness, the server's or our own."""
    end, promised_s = view.transcript.end, seen.limits.connect_s - seen.own_delay_s
    least_ms = 1000 * max(LEAST_PATIENCE_S, 2 * promised_s, seen.limits.connect_s) - 50
    return end is not None and end.how == "timeout" and end.at_ms >= least_ms


def hangs(seen: Seen, view: View) -> bool:
    """Whether there was no answer at all, in a time in which the stream itself is answered."""
    usual_ms = max((one.head.at_ms for one in seen.role("stream") if one.head), default=0.0)
    waited_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    return view.head is None and waited_long(seen, view) and waited_ms > usual_ms + SLACK_MS
