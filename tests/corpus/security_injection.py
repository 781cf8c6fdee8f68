"""Text that tries to break the framing, in streams that keep it inside and in streams that do not."""

import json
import re
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Case, completed, connected, exchange, progress

MARKER = "canary0123456789ab"
QUOTE = f'{MARKER} before","forged":"{MARKER}-injected","more":"after {MARKER}-end'
BREAKS = {"lf": "\n", "cr": "\r", "crlf": "\r\n", "separator": "\u2028", "nul": "\0"}


def text(line_break: str) -> str:
    """The update's text, as the probe sends it."""
    b = line_break
    return f"{MARKER} before{b}data: {MARKER}-injected{b}id: {MARKER}-injected{b}{b}after"


def update(case: str, status: int = 200, **more: Any) -> Transcript:
    facts = {"task_id": "task-1", "canary": case, "marker": MARKER, "message": text(BREAKS.get(case, "")), **more}
    return exchange(b"{}", role="update", status=status, started_ms=EPOCH_MS + 20, **facts)


TAKEN = exchange(b"{}", role="update", task_id="task-1", marker="plain0123456789ab", message="is the last")


def stream(*chunks: bytes) -> Transcript:
    return exchange(connected(), progress(0), *chunks, completed(), situation="canary", kind="manual")


def feed(*chunks: bytes) -> Transcript:
    """A stream of plain text."""
    return exchange(*chunks, situation="canary", kind="manual")


def said(message: Any) -> bytes:
    return progress(50, message=message)


def raw(line_break: str) -> bytes:
    """The event of a server that puts the text into JSON without escaping it."""
    whole = json.dumps(text(line_break), ensure_ascii=False)
    escaped = json.dumps(line_break, ensure_ascii=False)[1:-1]
    return progress(50, message="@").replace(b'"@"', whole.replace(escaped, line_break).encode())


def split_by_python(line_break: str) -> bytes:
    """The event of a server that makes a `data` line of each of Python's lines."""
    one = json.dumps({"type": "progress", "progress": {"message": text(line_break)}}, ensure_ascii=False)
    return b"".join(f"data: {line}\n".encode() for line in one.splitlines()) + b"\n"


def plain_text(line_break: str) -> bytes:
    """The event of a server that puts the text into the stream as it is."""
    return f"data: {text(line_break)}\n\n".encode()


def unprefixed(message: str) -> Transcript:
    """A stream of JSON on several lines, of which the first alone has `data:`: wire/unprefixed-data's."""
    whole = json.dumps({"type": "progress", "message": message}, indent=2)
    return feed(b'data: {"n": 1}\n\n', f"data: {whole}\n\n".encode())


def case(name: str, *bad: bytes) -> Case:
    """A line break, and events that it breaks."""
    sent = update(name)
    return Case(
        good=(
            (sent, stream(said(text(BREAKS[name])))),
            (sent, stream(said(text(" ")))),  # made harmless
            (sent, stream(said(f"{MARKER} before"))),  # cut short
            (TAKEN, update(name, status=400)),  # refused
            (TAKEN, update(name, status=422), stream()),
        ),
        bad=tuple((sent, stream(event)) for event in bad),
        silent=(
            (sent, stream()),  # overtaken, or never told
            (sent, unprefixed(text(BREAKS[name]))),
            (update(name, status=500), stream()),
            (update(name, status=404), stream()),  # so is every text
            (update(name, marker=None), stream(*bad)),
            (exchange(role="update", answered=False, how="timeout", canary=name, marker=MARKER),),
        ),
    )


FORGED = f"data: {{}}\nid: {MARKER}-injected\n\n".encode()
CASES = {
    "security/injection-lf": case("lf", raw("\n"), plain_text("\n"), said(MARKER) + FORGED),
    "security/injection-cr": case("cr", raw("\r"), plain_text("\r"), said(MARKER) + b": " + MARKER.encode() + b"\n\n"),
    "security/injection-crlf": case("crlf", raw("\r\n"), plain_text("\r\n"), f"event: {MARKER}\ndata:1\n\n".encode()),
    "security/injection-separator": case("separator", split_by_python("\u2028"), f"{MARKER}: x\n\n".encode()),
    "security/injection-nul": case("nul", raw("\0"), f"id: {MARKER}\0\ndata: {{}}\n\n".encode()),
}
CASES["security/injection-quote"] = Case(
    good=(
        (update("quote", message=QUOTE), stream(said(QUOTE))),
        (update("quote", message=QUOTE), stream(said(QUOTE.replace('"', "'")))),
        (TAKEN, update("quote", message=QUOTE, status=400), stream()),
        (update("quote", message=QUOTE), feed(b"data: hello\n\n", f"data: {QUOTE}\n\n".encode())),  # no JSON
    ),
    bad=(
        (update("quote", message=QUOTE), stream(progress(50, message="@").replace(b"@", QUOTE.encode()))),
        (update("quote", message=QUOTE), stream(progress(50, message="@").replace(b"@", (QUOTE + "\\").encode()))),
    ),
    silent=((update("quote", message=QUOTE), stream()), (update("quote", message=QUOTE), unprefixed(QUOTE))),
)
# In a stream of plain text a text is broken only where its lines become fields, or are lost.
for name in ("lf", "cr", "crlf", "nul"):
    lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", text(BREAKS[name]))).encode() + b"\n"
    one = CASES[f"security/injection-{name}"]
    torn = (update(name), feed(b"data: hello\n\n", plain_text(BREAKS[name])))
    more = () if name == "nul" else (torn,)
    whole = (update(name), feed(b"data: hello\n\n", lines))
    CASES[f"security/injection-{name}"] = Case((*one.good, whole), (*one.bad, *more), one.silent)
# Raw separators are legal in JSON, and no client ends a line at them.
CASES["security/injection-separator"] = Case(
    (*CASES["security/injection-separator"].good, (update("separator"), stream(raw("\u2028")))),
    CASES["security/injection-separator"].bad,
    CASES["security/injection-separator"].silent,
)
