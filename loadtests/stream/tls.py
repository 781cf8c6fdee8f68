"""TLS over memory buffers, because ``SSLSocket`` has no ``recvmsg``: the arrival stamp is that of the ciphertext.

Errors are ``ssl.SSLError``.
"""

from __future__ import annotations

import ssl
from typing import Final

_READ_BYTES: Final = 16_384


class TlsLayer:
    """TLS without a socket: see the module."""

    __slots__ = ("_incoming", "_object", "_outgoing", "closed")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.closed = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self) -> bool:
        """Go as far as the bytes so far allow; return whether it is done."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def accept(self, data: bytes) -> None:
        """Take bytes of the handshake."""
        self._incoming.write(data)

    def pending(self) -> bytes:
        """Return what is to be sent."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return the records of what is to be sent."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """Take records; return what they hold, b"" while none is whole. ``closed`` says that the peer has ended."""
        self._incoming.write(data)
        plain = b""
        try:
            while part := self._object.read(_READ_BYTES):
                plain += part
        except ssl.SSLWantReadError:
            return plain
        except ssl.SSLZeroReturnError:
            pass
        self.closed = True
        return plain
