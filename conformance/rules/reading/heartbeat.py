"""Events that say nothing but that the stream is alive."""

from ssegauge.conformance.seen import Message

HEARTBEAT_NAMES = frozenset({"heartbeat", "heart-beat", "keepalive", "keep-alive", "ping", "pong"})


def names_heartbeat(message: Message) -> bool:
    """Whether an event calls itself a heartbeat, by its type, its data or its JSON's type."""
    names = (message.event.type, message.event.data, message.type)
    return any(isinstance(name, str) and name.strip().lower() in HEARTBEAT_NAMES for name in names)
