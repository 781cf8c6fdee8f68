"""Content codings undone piece by piece, as clients do.

``decoder`` returns a function from the next piece of a coded body to the text it completes, which may be empty; it
raises CannotDecode where the body is not in that coding. A coding that is not known is left as it is.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

CannotDecode = zlib.error
Decode = Callable[[bytes], bytes]
GZIP, ZLIB, RAW = 31, 15, -15  # zlib's wbits


class _Inflater(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


def decoder(content_encoding: str) -> Decode:
    """Return the function that undoes the coding named by a Content-Encoding field (RFC 9110 section 8.4.1)."""
    return _CODINGS.get(content_encoding.strip().lower(), lambda: bytes)()


def _gzip() -> Decode:
    """One member may follow another (RFC 1952 section 2.2); some writers pad with zeros."""
    member = zlib.decompressobj(GZIP)

    def decode(data: bytes) -> bytes:
        nonlocal member
        text = member.decompress(data)
        while member.eof and (rest := member.unused_data.lstrip(b"\0")):
            member = zlib.decompressobj(GZIP)
            text += member.decompress(rest)
        return text

    return decode


def _deflate() -> Decode:
    """Some servers leave out the zlib wrapper, and clients bear it (RFC 9110 section 8.4.1.2)."""
    inflater: _Inflater | None = None

    def decode(data: bytes) -> bytes:
        nonlocal inflater
        if inflater is None and data:
            wrapped = data[0] & 0x0F == 8  # without the wrapper: a stored block whose padding is not zero
            inflater = zlib.decompressobj(ZLIB if wrapped else RAW)
        return inflater.decompress(data) if inflater else b""

    return decode


_CODINGS: Mapping[str, Callable[[], Decode]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
