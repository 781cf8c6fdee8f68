"""Answers that keep their readers waiting."""

from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.chat.streams import Streams

PAUSE_S = 7.0


@breaks("liveness/first-event-late")
class SlowStart(Streams):
    """Thinks seven seconds longer before the first event."""

    def pause(self, number: int) -> float:
        """Return more for the first."""
        return super().pause(number) + PAUSE_S * (number == 0)


@breaks("liveness/gap-too-long")
class Stalls(Streams):
    """Stalls for seven seconds before an answer's fifth event."""

    def pause(self, number: int) -> float:
        """Return more for the fifth."""
        return super().pause(number) + PAUSE_S * (number == 4)
