"""``ssegauge init``: looks at a stream for a few seconds and writes a commented target file of what it saw.

``look`` opens the stream, ``Glimpse`` says what was seen in it, ``configured`` what the file sets, and ``written`` puts
both into TOML. No credential is in the file: it names environment variables.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.hello import hello
from ssegauge.conformance.init.configured import configured
from ssegauge.conformance.init.glimpse import Glimpse
from ssegauge.conformance.init.text import written
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.target import Given, Target, as_url, from_url, is_there

LOOK_S = 5.0


def init(where: str, given: Given, out: Path, look_s: float = LOOK_S) -> Glimpse:
    """Write a target file for the stream at a URL, and return what was seen of it.

    Raises CannotJudge when there is no stream, when the file exists, and when it cannot be written.
    """
    url = as_url(where)
    if not url:
        raise CannotJudge(f"{where}: not an address; init looks at a stream, give its URL")
    if is_there(out):
        raise CannotJudge(f"--out {out}: exists, and init overwrites nothing; choose another name")
    target = from_url(url, given)
    glimpse = asyncio.run(look(target, look_s))
    file = configured(url, given)
    _write(out, written(file, glimpse, Redactor(target.secrets)))
    return glimpse


async def look(target: Target, look_s: float) -> Glimpse:
    """Read the stream for so long; raises CannotJudge when there is none."""
    async with Server(target, Recording()) as server:
        view = await hello(server, look_s)
    if not view.is_event_stream:
        request = view.transcript.request
        kind = f"{view.head.status} {view.media_type or 'no content type'}" if view.head else "nothing"
        raise CannotJudge(f"{request.method} {request.url}: answered with {kind}, which is no event stream")
    return Glimpse.of(view)


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CannotJudge(f"--out {out}: {error.strerror or error}; choose a place that can be written") from None
