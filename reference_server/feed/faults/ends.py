"""Streams that end before they should."""

import asyncio

from aiohttp import web

from ssegauge.reference_server.common.faults.streams import cut
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.feed.faults.registry import breaks
from ssegauge.reference_server.feed.streams import Streams

CUT_AFTER_S = (10.0, 15.0, 30.0, 60.0)  # as write and idle timeouts of servers and load balancers are


class Cutting(Streams):
    """Closes the connection when the stream has a certain age, in the midst of its body."""

    age_s: float

    async def deliver(self, reader: Reader) -> None:
        """Deliver until then."""
        try:
            async with asyncio.timeout(self.age_s):
                await super().deliver(reader)
        except TimeoutError:
            cut(reader)


for age in CUT_AFTER_S:
    variant = "" if age == CUT_AFTER_S[0] else f":{age:g}"
    about = f"Cuts every stream when it is {age:g} s old, as a timeout does."
    breaks(f"end/cut-by-timeout{variant}")(type(f"Cut{age:g}", (Cutting,), {"age_s": age, "__doc__": about}))


@breaks("end/without-any-event")
class Empty(Streams):
    """Ends a stream properly, and at once."""

    def opening(self) -> bytes:
        """Return nothing."""
        return b""

    async def deliver(self, reader: Reader) -> None:
        """Deliver nothing."""


@breaks("wire/truncated-chunked-body")
class DiesAtOnce(Empty):
    """Sends the head, and closes the connection."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Close it."""
        cut(reader)
