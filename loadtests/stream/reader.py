"""An open stream: a descriptor, one object, and a call that ``poll`` makes when bytes have come.

No greenlet waits on it, so that a stream costs neither a stack nor two switches a read. ``EventStream.open`` needs
a greenlet, for as long as connecting takes; ``Reader.listen`` then takes the stream over. A subclass says what
becomes of events (``take``) and of the end (``ended``); both are called from the loop, so they must not wait.
"""

from __future__ import annotations

import _socket
import contextlib
import struct
from typing import Any

from httptools import HttpParserError

from ssegauge.conformance.sse import FastDecoder, Message
from ssegauge.loadtests.stream.body import UNFRAMED, Body
from ssegauge.loadtests.stream.clock import ANCILLARY_BYTES, Ancillary, now, stamp
from ssegauge.loadtests.stream.connection import RECEIVE_BYTES
from ssegauge.loadtests.stream.poll import poll
from ssegauge.loadtests.stream.stream import EventStream, Recorder, ended_by_connection, reason_of
from ssegauge.loadtests.stream.tls import TlsLayer

MOST_UNREAD = 64  # reads, of what is thrown away on leaving


class Traffic:
    """What the streams of a process have received: ``bytes`` of their bodies."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class Reader:
    """Reads one stream; see the module.

    Attributes:
        ending: why it ended: "closed" by us, "complete", or how it broke off; empty before.
        record: who takes what arrives.
    """

    __slots__ = ("_body", "_decoder", "_poll", "_socket", "_tls", "_traffic", "ending", "record")

    def __init__(self, traffic: Traffic | None = None) -> None:
        self.ending = ""
        self._traffic = traffic or Traffic()
        self._poll = poll()
        self.record: Recorder | None = None
        self._socket: Any = None
        self._tls: TlsLayer | None = None
        self._body: Body = UNFRAMED
        self._decoder: FastDecoder

    @property
    def last_event_id(self) -> str:
        """Return the id from which to go on."""
        return self._decoder.last_event_id

    @property
    def retry_s(self) -> float | None:
        """Return how long the stream wants its readers to wait before they come back, None where it does not say."""
        time_ms = self._decoder.reconnection_time
        return None if time_ms is None else time_ms / 1e3

    def take(self, messages: list[Message], arrived_ns: int, delay_ns: int) -> None:
        """Take the events of a read: when its last byte arrived, and how long it waited for us (-1 if unknown)."""
        raise NotImplementedError

    def ended(self) -> None:
        """Take the end; ``ending`` says which."""
        raise NotImplementedError

    def broke(self, error: Exception) -> None:
        """Take a mistake that is ours: what a server sends raises nothing. The stream is closed then."""
        raise NotImplementedError

    def listen(self, stream: EventStream) -> None:
        """Take over an open stream, from the events on that have come with its head."""
        connection, self._body, self._decoder, messages = stream.handed_over()
        self._socket, self._tls = connection.handed_over()
        self.record = stream.record
        self.ending = stream.ending
        self._traffic.bytes += stream.body_bytes
        if messages:
            self.take(messages, stream.arrived_ns, stream.delay_ns)
        if self.ending:  # while the first event was waited for
            self._close()
        elif self._body.ending:
            self.end(self._body.ending)
        else:
            self._poll.watch(self._socket.fileno(), self._on_readable)

    def pause(self, *, wanted: bool) -> None:
        """Read no more for now, or go on."""
        if wanted:
            self._poll.forget(self._socket.fileno())
        elif not self.ending:
            self._poll.watch(self._socket.fileno(), self._on_readable)

    def hang_up(self) -> None:
        """Close it by FIN: what has come and was not read would make the kernel send RST in its place."""
        if self._socket is not None and not self.ending:
            with contextlib.suppress(OSError):
                self._socket.shutdown(_socket.SHUT_WR)
                for _ in range(MOST_UNREAD):
                    if not self._socket.recv(RECEIVE_BYTES, _socket.MSG_DONTWAIT):
                        break
        self.end("closed")

    def reset(self) -> None:
        """Close it by RST, as who has lost the network: nothing more is sent, and nothing taken."""
        if self._socket is not None:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end("closed")

    def stop_reading(self, most_bytes: int) -> None:
        """Read no more, for good, and let the kernel take but so many bytes."""
        if self._socket is not None:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, most_bytes)
            self._poll.forget(self._socket.fileno())

    def end(self, why: str) -> None:
        """Close it for a reason, once."""
        if not self.ending:
            self.ending = why
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._poll.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
        self.ended()

    def _on_readable(self) -> None:
        # For each event: what can be done here without a call is.
        try:
            data, ancillary, _, _ = self._socket.recvmsg(RECEIVE_BYTES, ANCILLARY_BYTES)
            read_ns = now()
            if not self._is_known(data, ancillary, read_ns):
                arrived_ns = stamp(ancillary)
                self._taken(data, arrived_ns or read_ns, read_ns - arrived_ns if arrived_ns else -1)
        except BlockingIOError:
            return
        except (OSError, HttpParserError) as error:
            self.end(reason_of(error))
        except Exception as error:  # noqa: BLE001 - ours: the loop would print it and call again, for ever
            self.broke(error)
            self.end("closed")

    def _is_known(self, data: bytes, ancillary: Ancillary, read_ns: int) -> bool:  # noqa: ARG002 - for those who know
        """Take a read whose bytes were read before, and gave what they give now; return whether it is one."""
        return False

    def _taken(self, data: bytes, arrived_ns: int, delay_ns: int) -> None:
        if not data:
            self.end(ended_by_connection(self._body))
            return
        if self._tls:
            data = self._tls.decrypt(data)
        if data and (body := self._body.take(data)):  # a part of a TLS record holds nothing yet
            self._traffic.bytes += len(body)
            if self.record:
                self.record.take_chunk(arrived_ns, body)
            if messages := self._decoder.feed(body):
                self.take(messages, arrived_ns, delay_ns)
        if self._body.ending:
            self.end(self._body.ending)
        elif self._tls and self._tls.closed:
            self.end(ended_by_connection(self._body))
