"""What to do about a server that lets nobody in, by the words of the reasons that attempts had. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ssegauge.conformance.errors import HELD, UNTRUSTED

# Where what answers, or nothing does, is none of the server that was meant.
ELSEWHERE: Final = (
    *("status 404", "status 405", "status 410", "connection refused", "content type", "not HTTP/1.1"),
    *("nothing happened", "no reply came", "none was tried"),
)
Way = tuple[tuple[str, ...], str]  # words, of which any may stand in the reason, and what to do then
NO_TLS: Final = ("TLS handshake timed out", "during the TLS handshake", "TLS: WRONG_VERSION_NUMBER")
# Of what comes before any answer; the first that fits counts.
ON_THE_WAY: Final[tuple[Way, ...]] = (
    (NO_TLS, "does it speak TLS? try http://"),
    (("speaks TLS",), "try https://"),
    (("the connection timed out",), "nobody answers at this address: check base_url, and what stands between"),
    (("TLS: ",), UNTRUSTED),
    (("Accept-Encoding asks for",), "a load run reads no compressed streams: leave that header field out"),
    (("content coding",), "a load run asks for none (Accept-Encoding: identity): compress for those alone who do"),
)
OF_STREAMS: Final[tuple[Way, ...]] = (
    *ON_THE_WAY,
    (("timed out",), HELD),
    (("redirected to ",), "check where the server redirects to, and that it is reached from here"),
)


def remedy(told: str, otherwise: str, ways: Iterable[Way] = OF_STREAMS) -> str:
    """Return what to do, ``otherwise`` where the reasons tell nothing in particular."""
    return next((way for words, way in ways if any(word in told for word in words)), otherwise)


def with_remedy(why: str, address: str = "base_url and stream.path", ways: Iterable[Way] = OF_STREAMS) -> str:
    """Return why nothing was opened, with what to do about it where that is known; ``address`` is what may be wrong."""
    way = remedy(why, f"check {address}" if any(word in why for word in ELSEWHERE) else "", ways)
    return f"{why}; {way}" if way else why
