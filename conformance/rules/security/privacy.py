"""The rule on what is one reader's own; its code is of the group ``security``."""

from collections.abc import Iterator, Mapping

from ssegauge.conformance.facts import MARKER
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen


@rule("security/told-to-others", "must", profile("E8.4"), needs=("update", "before"))
def told_to_others(seen: Seen) -> Iterator[Mark]:
    """What is said to one reader reaches nobody else.

    Why: One customer reads another's messages, and neither notices.

    Mend: Keep subscribers by session, user or topic, and look up who is to be told in there; a transport, a variable of
    the module or a channel that all share tells everybody. Where all are meant to be told, say `shared = true` in
    [promises].

    Example: (what was published in one session comes on the stream of another, which [[before]] opened for itself)
    """
    level: Level = "must" if seen.promises.shared is False else "advice"
    owners = {one.facts.marker: one.facts.subject for one in seen.role("update") if one.facts.subject}
    for view in seen.streams:
        mine = view.facts.subject
        whose = [(message, _owners(message, owners)) for message in view.messages] if mine else []
        others = [message for message, found in whose if found - {mine}]
        if others:
            said = "what was said in another session, opened by a [[before]] of its own, came on this one's stream"
            yield view.bad(said, others[0], level)
        elif any(found for _, found in whose):
            yield view.good()


def _owners(message: Message, owners: Mapping[str | None, str | None]) -> set[str | None]:
    """Return in whose sessions it was said."""
    return {owners[marker] for marker in MARKER.findall(message.event.data) if marker in owners}
