"""The rule on servers that are there no more; its code is of the group ``errors``."""

from collections.abc import Iterator, Sequence

from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted

LEAST_REFUSED = 3  # connections, of a server that is there again


@rule("errors/stops-listening", "must", profile("E7.4"))
def stops_listening(seen: Seen) -> Iterator[Mark]:
    """A server goes on listening, whatever it is asked.

    Why: All its readers are cut off at once, by one request of anybody's, and until somebody starts it again.

    Mend: Look into its log for what ended the process: an exception that nobody catches (in Node, `error` of a socket
    or a rejected promise), memory, a supervisor. Catch what goes wrong in a request where the request is answered.

    Example: (answers to the first 40 requests, and then: Connection refused)
    """
    asked = sorted((view for view in seen.views if _asks(view)), key=_started_ms)
    answered = [view for view in asked if view.head]
    gone = [view for view in asked if answered and _is_refused(view) and _started_ms(view) > _started_ms(answered[0])]
    later = [view for view in answered if gone and _started_ms(view) > _started_ms(gone[-1])]
    if len(gone) >= (LEAST_REFUSED if later else 1):
        what = "for a while" if later else "any more: did its process end?"
        since = lasted(_started_ms(gone[0]) - _started_ms(asked[0]))
        many = f"{len(gone)} connections were" if len(gone) > 1 else "a connection was"
        said = f"it listened, and after {since} nobody did {what} ({many} refused)"
        yield gone[0].bad(f"{said}{_first_unanswered(asked, gone[0])}")
    elif answered:
        yield answered[0].good()


def _asks(view: View) -> bool:
    return view.timed and view.transcript.request.method != "LOOK"


def _started_ms(view: View) -> float:
    return view.transcript.started_ms


def _is_refused(view: View) -> bool:
    """Whether nobody listened: the system said so, at once."""
    end = view.transcript.end
    return view.head is None and end is not None and end.how == "error" and "connection refused" in end.detail.lower()


def _first_unanswered(asked: Sequence[View], gone: View) -> str:
    """Say which request was the first before that to have no answer, as far as there is one."""
    before = [view for view in asked if _started_ms(view) <= _started_ms(gone) and view is not gone]
    unanswered = [view for view in before if not view.head and view.transcript.end and not _is_refused(view)]
    if not unanswered:
        return ""
    first = unanswered[0]
    case = f", {first.facts.case}" if first.facts.case else ""
    return f"; the first request without an answer was {first.name} ({first.transcript.request.method}{case})"
