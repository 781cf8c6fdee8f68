"""What rules look at: transcripts, decoded once, with the words in which rules speak."""

from ssegauge.conformance.seen.marks import Evidence, Level, Mark, not_applicable, not_judged
from ssegauge.conformance.seen.messages import ENDED, Item, Message, is_number
from ssegauge.conformance.seen.seen import Seen
from ssegauge.conformance.seen.spoken import FEW, FORMS, Spoken, foreign, form_of, spoken
from ssegauge.conformance.seen.view import View

__all__ = [
    "ENDED",
    "FEW",
    "FORMS",
    "Evidence",
    "Item",
    "Level",
    "Mark",
    "Message",
    "Seen",
    "Spoken",
    "View",
    "foreign",
    "form_of",
    "is_number",
    "not_applicable",
    "not_judged",
    "spoken",
]
