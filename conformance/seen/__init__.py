"""What rules look at: transcripts, decoded once, with the words in which rules speak."""

from ssegauge.conformance.seen.marks import Evidence, Level, Mark, not_applicable, not_judged
from ssegauge.conformance.seen.messages import ENDED, Item, Message, is_number
from ssegauge.conformance.seen.seen import Seen
from ssegauge.conformance.seen.spoken import FORMS, Spoken, spoken
from ssegauge.conformance.seen.view import View

__all__ = [
    "ENDED",
    "FORMS",
    "Evidence",
    "Item",
    "Level",
    "Mark",
    "Message",
    "Seen",
    "Spoken",
    "View",
    "is_number",
    "not_applicable",
    "not_judged",
    "spoken",
]
