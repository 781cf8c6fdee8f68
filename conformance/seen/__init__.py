"""What rules look at: transcripts, decoded once, with the words in which rules speak."""

from ssegauge.conformance.seen.marks import Evidence, Level, Mark, not_applicable, not_judged
from ssegauge.conformance.seen.messages import ENDED, Item, Message, is_number
from ssegauge.conformance.seen.seen import Seen
from ssegauge.conformance.seen.view import View

__all__ = [
    "ENDED",
    "Evidence",
    "Item",
    "Level",
    "Mark",
    "Message",
    "Seen",
    "View",
    "is_number",
    "not_applicable",
    "not_judged",
]
