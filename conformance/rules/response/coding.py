"""Rules on the content coding of an event stream, against what the client offered."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import rfc, rule
from ssegauge.conformance.seen import Mark, View

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
