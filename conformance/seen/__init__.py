"""What rules look at: transcripts, decoded once, with the words in which rules speak."""

from ssegauge.conformance.seen.seen import (
    ENDED,
    Evidence,
    Item,
    Mark,
    Message,
    Seen,
    View,
    is_number,
    not_applicable,
)

__all__ = ["ENDED", "Evidence", "Item", "Mark", "Message", "Seen", "View", "is_number", "not_applicable"]
