"""Small proxies before a server: one that passes streams on as they are, and three as they are met."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Pieces = Iterator[bytes]


def healthy(pieces: Pieces) -> Pieces:
    return pieces


def buffers(pieces: Pieces) -> Pieces:
    """Keeps the answer until it is over, as who wants to know its length, or to scan it."""
    yield b"".join(pieces)


def cuts_characters(pieces: Pieces) -> Pieces:
    """Decodes fixed lengths of bytes, whatever character they end in."""
    for piece in pieces:
        for at in range(0, len(piece), 7):
            yield piece[at : at + 7].decode("utf-8", "replace").encode()


def drops_done(pieces: Pieces) -> Pieces:
    """Takes the end marker for its own business."""
    for piece in pieces:
        yield piece.replace(b"data: [DONE]\n\n", b"")


MODES: dict[str, Callable[[Pieces], Pieces]] = {
    one.__name__: one for one in (healthy, buffers, cuts_characters, drops_done)
}
DROPPED = {"connection", "transfer-encoding", "keep-alive"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = ""
    change = staticmethod(healthy)

    def handle_one_request(self) -> None:
        """Pass one request on, of any method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        there = http.client.HTTPConnection(urlsplit(self.upstream).netloc)
        try:
            self._pass_on(there)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            there.close()

    def _pass_on(self, there: http.client.HTTPConnection) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there.request(self.command, self.path, body, dict(self.headers))
        answer = there.getresponse()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        is_whole = answer.getheader("Content-Length") is not None or answer.status in {204, 304}
        if not is_whole:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if is_whole:
            self.wfile.write(answer.read())
            return
        for piece in self.change(iter(lambda: answer.read1(65536), b"")):
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def before(upstream: str, mode: str) -> Iterator[str]:
    """Stand before a server, in threads of this process; give the address."""
    change = staticmethod(MODES[mode])
    with Server(("127.0.0.1", 0), type("Hop", (Handler,), {"upstream": upstream, "change": change})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
