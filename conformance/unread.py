"""Why no rule could read an event, where no event stream came at all. Pure.

A server that sends its stream with another status or type shows nothing of it: what the rules on events lack is then
no line of the target file, and to say so would send its owner looking in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ssegauge.conformance.seen import Seen, View

if TYPE_CHECKING:
    from ssegauge.conformance.judge import Result
    from ssegauge.conformance.rules import Rule

WRONG = {"response/status-not-200": "the status was not 200", "response/content-type": "the content type was wrong"}
SAID_BY_STREAMS = "update"  # the hook that makes a stream say something


class _Asked(Exception):  # noqa: N818 - no error: how a rule is stopped where it has said enough
    pass


class _Unread(View):
    """An exchange of which nobody may ask whether it is an event stream."""

    @property
    def is_event_stream(self) -> bool:
        """Never answered."""
        raise _Asked


def reason(seen: Seen, results: Mapping[str, Result]) -> str:
    """Return why no event stream was read, where rules have found that; nothing where one was, or nothing is known."""
    wrong = [said for code, said in WRONG.items() if code in results and results[code].verdict == "fail"]
    return f"{' and '.join(wrong)}, so nothing was read" if wrong and not seen.streams else ""


def reads_events(rules: Iterable[Rule], seen: Seen) -> set[str]:
    """Return the codes of the rules that look for an event stream, or for what one is made to say."""
    unread = replace(seen, views=tuple(_Unread(view.transcript) for view in seen.views))
    return {rule.code for rule in rules if SAID_BY_STREAMS in rule.needs or _asks(rule, unread)}


def _asks(rule: Rule, unread: Seen) -> bool:
    try:
        for _ in rule.check(unread):
            pass
    except _Asked:
        return True
    return False
