"""How the feed is read and published to."""

from collections.abc import Callable
from typing import Any

TALKS = 0.02  # s between events that come by themselves


def texts(answer: Any) -> list[str]:
    return [event["text"] for event in answer.events if "text" in event]


def has(text: str) -> Callable[[Any], bool]:
    return lambda answer: text in texts(answer)


def after_events(number: int) -> Callable[[Any], bool]:
    return lambda answer: answer.is_complete or answer.body.count(b"data:") >= number


async def reading(site: Any, **fields: str) -> Any:
    """A stream whose server waits for something to happen."""
    before = (await site.metrics())["open_streams"]
    stream = await (await site.follow(**fields)).until(lambda answer: b"\r\n\r\n" in answer.raw)
    await site.becomes(lambda metrics: metrics["open_streams"] > before)
    return stream


async def told(site: Any, *said: str) -> list[str]:
    """Publish, and return the ids."""
    return [str((await site.publish(text)).json["id"]) for text in said]


async def third(site: Any) -> bytes:
    """What comes of the third of four published texts."""
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    body = (await stream.until(lambda answer: b'"d"' in answer.body and answer.body.endswith(b"\n\n"))).body
    return bytes(body.partition(b'"b"')[2].partition(b"\n\n")[2])
