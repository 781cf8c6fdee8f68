"""Rules on how the body of a response is framed; their codes are of the group ``response``."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import rfc, rule
from ssegauge.conformance.seen import Mark, View

PROMPT_MS, AT_ONCE_MS = 1000.0, 100.0
FORBIDDEN_IN_204 = {
    "content-length": "Content-Length (RFC 9110 section 8.6)",
    "transfer-encoding": "Transfer-Encoding (RFC 9112 section 6.1)",
}


@rule(
    "response/content-length-on-stream",
    "should",
    rfc(
        9110,
        "8.6",
        "in the absence of Transfer-Encoding, an origin server SHOULD send a Content-Length header field when the"
        " content size is known prior to sending the complete header section.",
    ),
    over="streams",
    rests_on=("response/malformed-http2",),
)
def content_length_on_stream(view: View) -> Iterator[Mark]:
    """A live stream has no Content-Length.

    Why: The length is not known when the head of a live stream is sent: clients cut the stream at that byte or wait
    for bytes that never come, or the server held the whole stream back until it could count it.

    Mend: Leave Content-Length out; HTTP/1.1 frames the stream with `Transfer-Encoding: chunked` or by closing.

    Example: Content-Length: 1048576
    """
    if view.head and view.facts.joined in {None, "start"}:  # late or after the end it can be counted
        given = view.head.header("content-length")
        if not given:
            yield view.good()
        elif not view.head.header("transfer-encoding") and not _may_have_come_at_once(view, given):  # both: another's
            yield view.bad(f"Content-Length: {given}", "content-length")


def _may_have_come_at_once(view: View, length: str) -> bool:
    """Whether what was told is whole and came with its head: so a server answers who asks again and again."""
    head_ms = view.head.at_ms if view.head else 0.0
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    prompt = head_ms < PROMPT_MS  # else the server may have held it back until it could count it
    at_once = all(at_ms - head_ms < AT_ONCE_MS for at_ms, _ in view.chunks)
    whole = str(sum(len(data) for _, data in view.chunks)) == length.strip()
    left_early = not view.ended_by_server and end_ms - head_ms < AT_ONCE_MS
    return prompt and at_once and (whole or left_early)


@rule(
    "response/te-and-content-length",
    "must",
    rfc(
        9112,
        "6.2",
        "A sender MUST NOT send a Content-Length header field in any message that contains a Transfer-Encoding"
        " header field.",
    ),
    over="streams",
)
def te_and_content_length(view: View) -> Iterator[Mark]:
    """Transfer-Encoding and Content-Length do not come together.

    Why: Two lengths for one message is how requests and responses get smuggled past proxies; many refuse it.

    Mend: Let the HTTP library frame the body; remove the hand-made header field.

    Example: Transfer-Encoding: chunked, and Content-Length: 12
    """
    if view.head and view.head.header("transfer-encoding"):
        both = view.head.header("content-length")
        yield view.bad("Content-Length beside Transfer-Encoding", "content-length") if both else view.good()


@rule(
    "response/chunked-to-http10",
    "should",
    rfc(
        9112,
        "6.1",
        "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request indicates"
        " HTTP/1.1 (or later minor revisions).",
    ),
    over="http10",
)
def chunked_to_http10(view: View) -> Iterator[Mark]:
    """A request in HTTP/1.0 is not answered in chunks.

    Why: Clients and proxies of HTTP/1.0 take the lengths between the chunks for lines of the stream, and events break.

    Mend: Let the HTTP library frame the body; towards HTTP/1.0 the stream ends by closing the connection. uvicorn sends
    chunks to everybody where httptools is installed, and does not with `--http h11`.

    Example: GET /progress/7 HTTP/1.0, answered with Transfer-Encoding: chunked
    """
    if view.head:
        coding = view.head.header("transfer-encoding")
        summary = f"Transfer-Encoding: {coding}, in answer to HTTP/1.0"
        yield view.bad(summary, "transfer-encoding") if coding else view.good()


@rule(
    "response/204-with-body",
    "must",
    rfc(
        9110,
        "8.6",
        "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx"
        " (Informational) or 204 (No Content).",
    ),
    over="stream",
)
def no_content_with_body(view: View) -> Iterator[Mark]:
    """A 204 that tells EventSource to stop has no body and no length.

    Why: What follows the head of a 204 is read as the start of the next response on that connection.

    Mend: Answer 204 without Content-Length, Transfer-Encoding and body.

    Example: HTTP/1.1 204 No Content, and Content-Length: 4
    """
    if view.head and view.head.status == 204:
        framing = [name for name in FORBIDDEN_IN_204 if view.head.header(name)]
        summaries = (view.bad(f"204 with {FORBIDDEN_IN_204[name]}", name) for name in framing)
        yield from summaries if framing else (view.good(),)
