"""Serves event streams byte for byte, and reads them in a page with real EventSource objects."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

from playwright.sync_api import Page

PAGE = b"<!doctype html><title>oracle</title>"
CONNECTIONS = 6  # of HTTP/1.1, that Chromium opens to one host

# One EventSource a stream, closed when its stream ends, before it would reconnect. Every type that the bytes could
# name has a listener; events of EventSource's own ("open", "error") are no MessageEvents.
READ = """async ({first, types, connections}) => {
  const read = (index) => new Promise((resolve) => {
    const events = [];
    const source = new EventSource(`/streams/${index}`);
    const keep = (event) => {
      if (event instanceof MessageEvent) events.push([event.type, event.data, event.lastEventId]);
    };
    for (const type of types[index - first]) source.addEventListener(type, keep);
    source.addEventListener("error", (event) => {
      if (event instanceof MessageEvent) return;
      source.close();
      resolve(events);
    });
  });
  const results = new Array(types.length);
  let next = 0;
  const work = async () => {
    while (next < types.length) { const mine = next++; results[mine] = await read(first + mine); }
  };
  await Promise.all(Array.from({length: connections}, work));
  return results;
}"""


class Oracle(NamedTuple):
    """A page whose EventSources read the streams that its server holds."""

    page: Page
    streams: list[bytes]

    def read(self, streams: Sequence[bytes]) -> list[list[tuple[str, str, str]]]:
        """Give what EventSource dispatches, `(type, data, lastEventId)`, for each of the streams."""
        first = len(self.streams)
        self.streams.extend(streams)
        types = [sorted(possible_types(stream)) for stream in streams]
        arguments = {"first": first, "types": types, "connections": CONNECTIONS}
        results = self.page.evaluate(READ, arguments)
        return [[tuple(event) for event in events] for events in results]


def possible_types(stream: bytes) -> set[str]:
    """Every event type that any reading of the stream could find: what follows the first colon of a line."""
    types = {"message"}
    for line in stream.replace(b"\r", b"\n").split(b"\n"):
        value = line.partition(b":")[2].decode("utf-8", "replace")
        types |= {value, value.removeprefix(" "), value.strip()}
    return types - {""}


@contextmanager
def serve(streams: list[bytes]) -> Iterator[str]:
    """Serve `streams` on a free port of the loopback interface; gives the server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one write: two would wait for each other's acknowledgement

        def do_GET(self) -> None:
            _, _, index = self.path.partition("/streams/")
            body = streams[int(index)] if index else PAGE
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if index else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True  # idle keep-alive connections end with the browser, not with the test

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
