"""What the feed says: `{"id": n, "text": ..., "at": ms}`, and what it says by itself."""

from ssegauge.reference_server.common.encoding import Encoder, now_ms

ADDRESSED = ": to "

HARBOUR = (
    "The ferry to Åland casts off",
    "Pilot boat № 4 leaves for the lightship",
    "東京丸 asks for a berth",
    "Wind 6 m/s, westerly, good sight 🌤",
    "The sailing ship Libertà passes the mole",
    "Crane 2 lifts the last container",
)


class Events(Encoder):
    """Encodes the feed's events."""

    def message(self, number: int, text: str) -> bytes:
        """Return the event of this number, stamped with the present."""
        return self.block({"id": number, "text": text, "at": now_ms()}, str(number))

    def opening(self) -> bytes:
        """Return what a stream begins with: the reconnection time, which becomes part of the event that comes next."""
        return f"retry: {self.retry_ms}\n".encode()

    def address(self, inbox: str) -> bytes:
        """Return the comment that opens an event for the readers of one inbox alone."""
        return f"{ADDRESSED}{inbox}\n".encode()

    def small_talk(self, number: int) -> str:
        """Return what the feed says by itself at this number."""
        return HARBOUR[number % len(HARBOUR)]
