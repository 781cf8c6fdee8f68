"""What the Web Platform Tests' `eventsource/` folder asserts about reading a stream, as own cases.

`NOT_PARSING` names its other files, which are about connecting, reconnecting, JavaScript and HTTP.
"""

from tests.sse.corpus import BOM, Case, message

LONG = b"x" * 2048

WPT = [
    Case(
        "WPT event data",
        b"data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
        (message("msg\nmsg"), message(""), message("end")),
        wpt="event-data.any.js",
    ),
    Case("WPT message", b"data: data\n\n\n", (message("data"),), wpt="eventsource-onmessage.any.js"),
    Case(
        "WPT BOM",
        BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n\n",
        (message("1"), message("3")),
        wpt="format-bom.any.js",
    ),
    Case(
        "WPT double BOM",
        BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n\n",
        (message("2"), message("3")),
        wpt="format-bom-2.any.js",
    ),
    Case(
        "WPT comment fest",
        b"data:1\r:\x00\n:\r\ndata:2\n:" + LONG + b"\rdata:3\n:data:fail\r:" + LONG + b"\ndata:4\n\n",
        (message("1\n2\n3\n4"),),
        wpt="format-comments.any.js",
    ),
    Case(
        "WPT data before the final empty line",
        b"retry:1000\ndata:test1\n\nid:test\ndata:test2\n",
        (message("test1"),),
        reconnection_time=1000,
        wpt="format-data-before-final-empty-line.any.js",
    ),
    Case(
        "WPT data field",
        b"data:\n\ndata\ndata\n\ndata:test\n\n\n",
        (message(""), message("\n"), message("test")),
        wpt="format-field-data.any.js",
    ),
    Case("WPT empty event", b"event: \ndata:data\n\n\n", (message("data"),), wpt="format-field-event-empty.any.js"),
    Case(
        "WPT custom event",
        b"event:test\ndata:x\n\ndata:x\n\n\n",
        (("test", "x", ""), message("x")),
        wpt="format-field-event.any.js",
    ),
    Case(
        "WPT id",
        "id: …\nretry: 200\ndata: hello\n\n".encode(),
        (message("hello", "…"),),
        last_event_id="…",
        reconnection_time=200,
        wpt="format-field-id.any.js",
    ),
    Case(
        "WPT id, kept for further events",
        "id: …\nretry: 200\ndata: hello\n\ndata: …\n\ndata: …\n\n".encode(),
        (message("hello", "…"), message("…", "…"), message("…", "…")),
        last_event_id="…",
        reconnection_time=200,
        wpt="format-field-id-2.any.js",
    ),
    Case(
        "WPT id persists",
        b"id: 1\ndata: 1\n\ndata:2\n\n",
        (message("1", "1"), message("2", "1")),
        last_event_id="1",
        wpt="format-field-id-3.window.js",
    ),
    Case(
        "WPT id changes and persists",
        b"id: 1\ndata: 1\n\nid: 2\ndata:2\n\ndata:3\n\n",
        (message("1", "1"), message("2", "2"), message("3", "2")),
        last_event_id="2",
        wpt="format-field-id-3.window.js",
    ),
    Case(
        "WPT id resets",
        b"id: 1\ndata: 1\n\nid:\ndata:2\n\ndata:3\n\n",
        (message("1", "1"), message("2"), message("3")),
        wpt="format-field-id-3.window.js",
    ),
    *(
        Case(
            f"WPT id of {value!r}",
            b"id: " + value + b"\nretry: 200\ndata: hello\n\n",
            (message("hello"),),
            reconnection_time=200,
            wpt="format-field-id-null.window.js",
        )
        for value in (b"\x00\x00", b"x\x00", b"\x00x", b"x\x00x", b" \x00")
    ),
    Case(
        "WPT field parsing",
        b"data:\x00\ndata:  2\rData:1\ndata\x00:2\ndata:1\r\x00data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\n"
        b"data:4\n\n",
        (message("\x00\n 2\n1\n3\n\n4"),),
        wpt="format-field-parsing.any.js",
    ),
    Case(
        "WPT bogus retry",
        b"retry:3000\nretry:1000x\ndata:x\n\n\n",
        (message("x"),),
        reconnection_time=3000,
        wpt="format-field-retry-bogus.any.js",
    ),
    Case("WPT empty retry", b"retry\ndata:test\n\n\n", (message("test"),), wpt="format-field-retry-empty.any.js"),
    Case(
        "WPT retry",
        b"retry:03000\ndata:x\n\n\n",
        (message("x"),),
        reconnection_time=3000,
        wpt="format-field-retry.any.js",
    ),
    Case(
        "WPT unknown fields",
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n\n",
        (message("test\n\ntest"),),
        wpt="format-field-unknown.any.js",
    ),
    Case(
        "WPT leading space",
        b"data:\ttest\rdata: \ndata:test\n\n\n",
        (message("\ttest\n\ntest"),),
        wpt="format-leading-space.any.js",
    ),
    Case(
        "WPT newline fest",
        b"data:test\r\ndata\ndata:test\r\n\r\n",
        (message("test\n\ntest"),),
        wpt="format-newlines.any.js",
    ),
    Case("WPT NUL", b"data:\x00\n\n\n\n\n", (message("\x00"),), wpt="format-null-character.any.js"),
    Case("WPT always UTF-8", "data:ok…\n\n\n".encode(), (message("ok…"),), wpt="format-utf-8.any.js"),
]

NOT_PARSING = {
    "the constructor and its URL": "`eventsource-constructor-*`, `eventsource-url`",
    "JavaScript's side of the object": (
        "`eventsource-eventtarget`, `eventsource-onopen`, `eventsource-prototype`, `eventsource-onmessage-realm`, "
        "`eventsource-onmessage-trusted`"
    ),
    "closing, reconnecting and cancelling": (
        "`eventsource-close`, `eventsource-reconnect`, `eventsource-request-cancellation`, `eventsource-bfcache`"
    ),
    "origins and credentials": "`eventsource-cross-origin*`, `request-credentials`",
    "the response's type": "`format-mime-*`",
    "heads of request and response": (
        "`request-accept`, `request-cache-control`, `request-redirect`, `request-status-error`"
    ),
    "the same in workers": "`dedicated-worker/*`, `shared-worker/*`",
}
