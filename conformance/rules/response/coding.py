"""Rules on the content coding of an event stream, against what the client offered."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.rule import rfc, rule
from ssegauge.conformance.seen import Level, Mark, Seen, View
from ssegauge.conformance.words import shown

DECODED = frozenset({"gzip", "deflate", "br"})
ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}


@rule(
    "response/unasked-coding",
    "should",
    rfc(
        9110,
        "12.5.3",
        "If a non-empty Accept-Encoding header field is present in a request and none of the available representations"
        " for the response have a content coding that is listed as acceptable, the origin server SHOULD send a response"
        " without any content coding unless the identity coding is indicated as unacceptable.",
    ),
    over="streams",
    rests_on=("response/unregistered-coding",),
)
def unasked_coding(view: View) -> Iterator[Mark]:
    """A stream is sent in no content coding that its reader did not offer to decode.

    Why: A client that cannot undo the coding reads not one event; scripts, servers and simple libraries offer none.

    Mend: Compress only what Accept-Encoding offers, or leave streams as they are; a file or a reply that was compressed
    once must not be taken for one that everybody can read.

    Example: Content-Encoding: gzip, to `Accept-Encoding: identity`
    """
    offered = [value for name, value in view.transcript.request.headers if name.lower() == "accept-encoding"]
    if view.head and offered:
        told = (view.head.header("content-encoding") or "").split(",")
        codings = [coding for one in told if (coding := _known_as(one)) not in {"", "identity"}]
        unasked = [coding for coding in codings if not _accepts(",".join(offered), coding)]
        summary = f"Content-Encoding: {', '.join(unasked)}, and Accept-Encoding had {', '.join(offered) or 'nothing'}"
        yield view.bad(summary, "content-encoding") if unasked else view.good()


@rule(
    "response/not-in-its-coding",
    "must",
    rfc(
        9110,
        "8.4",
        'The "Content-Encoding" header field indicates what content codings have been applied to the representation,'
        " beyond those inherent in the media type, and thus what decoding mechanisms have to be applied in order to"
        " obtain data in the media type referenced by the Content-Type header field.",
    ),
    rests_on=("response/unasked-coding",),
)
def not_in_its_coding(seen: Seen) -> Iterator[Mark]:
    """A stream is in the content coding that its head names.

    Why: Browsers and libraries undo the coding as they read, and fail at the first byte that is not in it.

    Mend: Close the compressor before the response. Take Content-Encoding away where the body is unpacked, and set it
    where it is packed, in one place: look for a proxy or a cache that passes the head on and not the body, and for
    events that are written past the compressor.

    Example: Content-Encoding: gzip, and a body that begins with `data:`
    """
    for view in (*seen.streams, *seen.role("compressed")):
        coding = (view.head.header("content-encoding") if view.head else None) or ""
        if view.miscoded:
            yield view.bad(f"Content-Encoding: {shown(coding)}, and the body is not: {shown(view.miscoded)}")
        elif _known_as(coding) == "deflate" and _lacks_its_wrapper(view.transcript.body[:1]):
            yield view.bad("deflate without the zlib wrapper: clients that keep to RFC 1950 fail", level="should")
        elif view.coding_breaks_off and view.ended_by_server:
            lost = _lost_at_the_end(seen, view)
            what = f", and so does {shown(lost)}, with which another stream ended" if lost else ""
            level: Level | None = None if lost else "should"
            yield view.bad(f"the body ended, and the end of its {coding} is missing{what}", level=level)
        elif coding and view.body and _known_as(coding) in DECODED:
            yield view.good()


def _lacks_its_wrapper(first: bytes) -> bool:
    """Whether data is not in the format of zlib, whose first byte names the method 8 (RFC 1950 section 2.2)."""
    return bool(first) and first[0] & 0x0F != 8


def _lost_at_the_end(seen: Seen, view: View) -> str:
    """Return the data of an event with which others ended that were of the same source and in no coding."""
    told = {message.event.data for message in view.messages}
    same = [one for one in seen.role("stream", Facts(kind=view.facts.kind)) if one.facts.subject == view.facts.subject]
    last = {one.messages[-1].event.data for one in same if one.ended_by_server and one.messages}
    return next(iter(last - told), "") if len(last) == 1 else ""


def _known_as(coding: str) -> str:
    coding = coding.strip().lower()
    return ALIASES.get(coding, coding)


def _accepts(field: str, coding: str) -> bool:
    """Whether an Accept-Encoding field lists the coding, or all, and not with a weight of zero."""
    weights = {}
    for one in field.split(","):
        name, _, parameter = one.partition(";")
        weights[_known_as(name)] = parameter.replace(" ", "").lower()
    weight = weights.get(coding, weights.get("*"))
    return weight is not None and weight not in {"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"}
