"""Event streams with what a browser makes of them, written by hand from the sentences that each case cites.

`events` are `(type, data, lastEventId)` in order of dispatch. The same cases run against the decoder at every
split, against Chromium, and against other Python parsers.
"""

from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
REPLACED = "\ufffd"


@dataclass(frozen=True, slots=True)
class Case:
    """A stream, what it must give, the sentences (keys of `SENTENCES`) that say so, and a WPT file that asserts it."""

    name: str
    stream: bytes
    events: tuple[tuple[str, str, str], ...]
    cites: tuple[str, ...] = ()
    last_event_id: str = ""
    reconnection_time: int | None = None
    wpt: str = ""


def message(data: str, last_event_id: str = "") -> tuple[str, str, str]:
    return ("message", data, last_event_id)


GRAMMAR = [
    Case("empty stream", b"", (), ("abnf-stream",)),
    Case("nothing but a BOM", BOM, (), ("abnf-stream", "one-bom")),
    Case("nothing but blank lines", b"\n\r\n\r\n\n", (), ("abnf-event", "blank-line", "dispatch-no-data")),
    Case(
        "comments and fields in any order",
        b": c\ndata: 1\n: c\ndata: 2\n: c\n\n",
        (message("1\n2"),),
        ("abnf-event", "comment", "in-order"),
    ),
    Case("empty comment", b":\ndata: x\n\n", (message("x"),), ("abnf-comment", "comment")),
    Case(
        "comment that looks like a field",
        b":data: no\n: data: no\n::\ndata: x\n\n",
        (message("x"),),
        ("abnf-comment", "comment"),
    ),
    Case("comment alone", b": nothing\n\n", (), ("comment", "dispatch-no-data")),
    Case("a comment ends no event", b"data: 1\n:\ndata: 2\n\n", (message("1\n2"),), ("comment", "abnf-comment")),
    Case(
        "field with and without colon and space",
        b"data\n\ndata:\n\ndata: \n\n",
        (message(""), message(""), message("")),
        ("abnf-field", "no-colon", "one-space"),
    ),
    Case(
        "any character but CR, LF and colon in a name",
        "d\x00\t\x0b\x0c ata\u2028\U0010ffff: no\ndata: x\n\n".encode(),
        (message("x"),),
        ("abnf-name-char", "unknown-field"),
    ),
    Case(
        "any character but CR and LF in a value",
        "data: \x00\t\x0b\x0c\x1c\x1d\x1e\x7f\x85\u2028\u2029:\U0010ffff\n\n".encode(),
        (message("\x00\t\x0b\x0c\x1c\x1d\x1e\x7f\x85\u2028\u2029:\U0010ffff"),),
        ("abnf-any-char", "line-ends"),
    ),
    Case(
        "characters that other line splitters stop at",
        "data: a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\nid: \u2028\n\n".encode(),
        (message("a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i", "\u2028"),),
        ("line-ends", "line-separators", "abnf-any-char"),
        last_event_id="\u2028",
    ),
]

LINES = [
    Case("LF", b"data: 1\ndata: 2\n\n", (message("1\n2"),), ("abnf-end-of-line", "line-ends")),
    Case("CR", b"data: 1\rdata: 2\r\r", (message("1\n2"),), ("abnf-end-of-line", "line-ends", "no-delay")),
    Case("CRLF", b"data: 1\r\ndata: 2\r\n\r\n", (message("1\n2"),), ("abnf-end-of-line", "line-separators")),
    Case(
        "all three in one block",
        b"data: 1\rdata: 2\ndata: 3\r\n\n",
        (message("1\n2\n3"),),
        ("line-separators", "line-ends"),
    ),
    Case("CRLF is one end of line", b"data: 1\r\ndata: 2\n\n", (message("1\n2"),), ("line-ends",)),
    Case("LF CR are two ends of line", b"data: 1\n\rdata: 2\n\n", (message("1"), message("2")), ("line-ends",)),
    Case("CR CR LF are two ends of line", b"data: 1\r\r\ndata: 2\n\n", (message("1"), message("2")), ("line-ends",)),
    Case(
        "blank line of CR, then a blank line of LF",
        b"data: 1\r\r\n\ndata: 2\n\n",
        (message("1"), message("2")),
        ("line-ends", "dispatch-no-data"),
    ),
    Case("the last CR dispatches", b"data: x\r\r", (message("x"),), ("no-delay", "blank-line")),
    Case("the last CR after CRLF dispatches", b"data: x\r\n\r", (message("x"),), ("no-delay", "line-ends")),
    Case("a line of spaces is not blank", b"data: 1\n \ndata: 2\n\n", (message("1\n2"),), ("blank-line", "no-colon")),
]

UTF_8 = [
    Case("a BOM is stripped", BOM + b"data: x\n\n", (message("x"),), ("one-bom", "abnf-stream", "utf-8-decode")),
    Case("a BOM before a blank line", BOM + b"\ndata: x\n\n", (message("x"),), ("one-bom",)),
    Case("a BOM before a comment", BOM + b": c\ndata: x\n\n", (message("x"),), ("one-bom",)),
    Case("one BOM is stripped, not two", BOM * 2 + b"data: no\nid: 1\n\n", (), ("one-bom",), last_event_id="1"),
    Case("a BOM in a later line", b"data: 1\n" + BOM + b"data: 2\n\n", (message("1"),), ("one-bom",)),
    Case("a BOM after a blank line", b"\n" + BOM + b"data: no\n\n", (), ("one-bom", "unknown-field")),
    Case("a BOM in a value stays", b"data: " + BOM + b"x\n\n", (message("\ufeffx"),), ("one-bom", "field-value")),
    Case(
        "a BOM at the start of a value stays",
        b"data:" + BOM + b" x\nid:" + BOM + b"1\n\n",
        (message("\ufeff x", "\ufeff1"),),
        ("one-bom", "one-space"),
        last_event_id="\ufeff1",
    ),
    Case("a cut BOM is no BOM", b"\xef\xbbdata: no\ndata: x\n\n", (message("x"),), ("one-bom", "utf-8-decode")),
    Case("a BOM of UTF-16 is no BOM", b"\xff\xfedata: no\ndata: x\n\n", (message("x"),), ("always-utf-8",)),
    Case(
        "characters of one to four bytes",
        "data: aé€😀\nevent: é\nid: 😀\n\n".encode(),
        (("é", "aé€😀", "😀"),),
        ("always-utf-8", "utf-8-decode"),
        last_event_id="😀",
    ),
    Case(
        "bytes of another encoding",
        b"data: caf\xe9\n\n",
        (message("caf\ufffd"),),
        ("always-utf-8", "utf-8-decode"),
    ),
    Case("a byte that never occurs", b"data: \xff\xc0\xc1\xf5\n\n", (message(REPLACED * 4),), ("utf-8-decode",)),
    Case("lone continuation bytes", b"data: \x80\xbfx\n\n", (message(REPLACED * 2 + "x"),), ("utf-8-decode",)),
    Case(
        "a cut character before an ASCII letter",
        b"data: \xe2\x82x\xf0\x9f\x98x\xc3x\n\n",
        (message("\ufffdx\ufffdx\ufffdx"),),
        ("utf-8-decode",),
    ),
    Case(
        "a cut character before a character",
        b"data: \xe2\x82\xe2\x82\xac\n\n",
        (message("\ufffd€"),),
        ("utf-8-decode",),
    ),
    Case("an overlong form", b"data: \xc0\xaf\xe0\x80\xaf\n\n", (message(REPLACED * 5),), ("utf-8-decode",)),
    Case("a surrogate", b"data: \xed\xa0\x80\n\n", (message(REPLACED * 3),), ("utf-8-decode",)),
    Case("past U+10FFFF", b"data: \xf4\x90\x80\x80\n\n", (message(REPLACED * 4),), ("utf-8-decode",)),
    Case(
        "a cut character swallows no end of line",
        b"data: \xe2\x82\ndata: \xf0\x9f\x98\r\rdata: \xc3\n\n",
        (message("\ufffd\n\ufffd"), message(REPLACED)),
        ("utf-8-decode", "line-ends"),
    ),
    Case(
        "a cut character swallows no colon",
        b"data\xe2\x82: no\ndata:\xe2\x82: x\n\n",
        (message("\ufffd: x"),),
        ("utf-8-decode", "field-name"),
    ),
    Case(
        "bytes that are not UTF-8 in type and id",
        b"event: \xff\nid: \xff\ndata: x\n\n",
        ((REPLACED, "x", REPLACED),),
        ("utf-8-decode",),
        last_event_id=REPLACED,
    ),
]

FIELDS = [
    Case("first colon splits", b"data: a:b: c\n\n", (message("a:b: c"),), ("field-name", "field-value")),
    Case("no space", b"data:x\n\n", (message("x"),), ("one-space", "abnf-field")),
    Case("one space goes, one stays", b"data:  x\n\n", (message(" x"),), ("one-space",)),
    Case("a tab stays", b"data:\tx\n\n", (message("\tx"),), ("one-space",)),
    Case("a no-break space stays", "data:\u00a0x\n\n".encode(), (message("\u00a0x"),), ("one-space",)),
    Case("trailing space stays", b"data: x \n\n", (message("x "),), ("field-value",)),
    Case("space before the name", b" data: no\ndata: x\n\n", (message("x"),), ("field-name", "literal-names")),
    Case("space before the colon", b"data : no\ndata: x\n\n", (message("x"),), ("field-name", "literal-names")),
    Case("space after a name without colon", b"data \ndata: x\n\n", (message("x"),), ("no-colon", "literal-names")),
    Case(
        "case of names",
        b"Data: no\nDATA: no\nEvent: no\nID: no\nRetry: 1\ndata: x\n\n",
        (message("x"),),
        ("literal-names", "unknown-field"),
    ),
    Case(
        "names are not prefixes",
        b"dat: no\ndata2: no\nids: no\ndata: x\n\n",
        (message("x"),),
        ("by-field-name", "unknown-field"),
    ),
    Case("whole line as a name", b"data: 1\nfoo\ndata\n\n", (message("1\n"),), ("no-colon", "process-field")),
    Case("JSON left over from a line", b'data: {\n"a": 1\n}\n\n', (message("{"),), ("unknown-field", "no-colon")),
    Case("data adds up", b"data: 1\ndata: 2\ndata: 3\n\n", (message("1\n2\n3"),), ("data-field", "dispatch-last-lf")),
    Case("one last LF goes", b"data: x\ndata\ndata\n\n", (message("x\n\n"),), ("data-field", "dispatch-last-lf")),
    Case("event type", b"event: a\ndata: x\n\n", (("a", "x", ""),), ("event-field", "dispatch-type")),
    Case("the last event type counts", b"event: a\nevent: b\ndata: x\n\n", (("b", "x", ""),), ("event-field",)),
    Case("an event type can be taken back", b"event: a\nevent\ndata: x\n\n", (message("x"),), ("dispatch-type",)),
    Case("event type after data", b"data: x\nevent: a\n\n", (("a", "x", ""),), ("event-field", "in-order")),
    Case("event type with spaces", b"event:  a b \ndata: x\n\n", ((" a b ", "x", ""),), ("event-field",)),
    Case(
        "event type does not last",
        b"event: a\ndata: 1\n\ndata: 2\n\n",
        (("a", "1", ""), message("2")),
        ("dispatch-reset", "dispatch-init", "other-agents"),
    ),
    Case(
        "id of several characters",
        b"id: a: b \ndata: x\n\n",
        (message("x", "a: b "),),
        ("id-field",),
        last_event_id="a: b ",
    ),
    Case("id after data", b"data: x\nid: 1\n\n", (message("x", "1"),), ("id-field", "dispatch-id"), last_event_id="1"),
    Case("the last id counts", b"id: 1\nid: 2\ndata: x\n\n", (message("x", "2"),), ("id-field",), last_event_id="2"),
    Case(
        "an id with NUL leaves the one before",
        b"id: 1\nid: a\x00b\ndata: x\n\nid: \x00\ndata: y\n\n",
        (message("x", "1"), message("y", "1")),
        ("id-with-nul", "id-persists"),
        last_event_id="1",
    ),
    Case(
        "NUL elsewhere is a character",
        b"event: a\x00\ndata: \x00\n\n",
        (("a\x00", "\x00", ""),),
        ("id-with-nul", "event-field"),
    ),
    Case("retry", b"retry: 1500\ndata: x\n\n", (message("x"),), ("retry-field",), reconnection_time=1500),
    Case("retry at once, without a blank line", b"retry: 7\n", (), ("retry-field",), reconnection_time=7),
    Case("retry of zero and leading zeros", b"retry: 000\n\n", (), ("retry-field",), reconnection_time=0),
    Case("retry in base ten", b"retry: 010\n\n", (), ("retry-field",), reconnection_time=10),
    Case("the last valid retry counts", b"retry: 1\nretry: 2\nretry: x\n\n", (), ("retry-other",), reconnection_time=2),
    *(
        Case(f"retry of {value!r}", b"retry: 1\nretry:" + value + b"\n\n", (), ("retry-other",), reconnection_time=1)
        for value in (b"", b" +5", b"-5", b" 5 ", b"  5", b"5s", b"1.5", b"1e3", b"0x10", b"1_000", b"\t5", b"5\x00")
    ),
    Case(
        "retry of digits that are not ASCII",
        "retry: ٣\nretry: ５\nretry: ²\n\n".encode(),
        (),
        ("retry-other",),
    ),
]

DISPATCH = [
    Case("buffers are empty at first", b"data: x\n\n", (message("x"),), ("buffers", "buffers-empty", "dispatch-init")),
    Case("empty data is data", b"data\n\n", (message(""),), ("dispatch-no-data", "dispatch-last-lf")),
    Case(
        "no data, no event, and the type is dropped",
        b"event: a\n\ndata: x\n\n",
        (message("x"),),
        ("dispatch-no-data", "other-agents"),
    ),
    Case(
        "no data, no event, but the id is taken",
        b"id: 1\n\ndata: x\n\n",
        (message("x", "1"),),
        ("dispatch-no-data", "dispatch-id"),
        last_event_id="1",
    ),
    Case(
        "data does not last",
        b"data: 1\n\n\ndata: 2\n\n",
        (message("1"), message("2")),
        ("dispatch-reset", "blank-line"),
    ),
    Case(
        "an id lasts",
        b"id: 1\ndata: a\n\ndata: b\n\n: c\n\ndata: c\n\n",
        (message("a", "1"), message("b", "1"), message("c", "1")),
        ("dispatch-id-stays", "id-persists", "dispatch-init"),
        last_event_id="1",
    ),
    Case(
        "an empty id resets",
        b"id: 1\ndata: a\n\nid\ndata: b\n\nid: 2\ndata: c\n\nid:\n\ndata: d\n\n",
        (message("a", "1"), message("b"), message("c", "2"), message("d")),
        ("dispatch-id", "id-field"),
    ),
]

END = [
    Case("no blank line at the end", b"data: 1\n\ndata: 2\n", (message("1"),), ("end-of-file", "incomplete-event")),
    Case("no end of line at the end", b"data: 1\n\ndata: 2", (message("1"),), ("end-of-file", "incomplete-event")),
    Case("CRLF cut after the CR of a field", b"data: x\r", (), ("end-of-file", "line-ends")),
    Case(
        "the id of an unfinished block is not taken",
        b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n",
        (message("1", "1"),),
        ("incomplete-event", "dispatch-id"),
        last_event_id="1",
    ),
    Case("ends within a comment", b"data: 1\n\n: c", (message("1"),), ("end-of-file",)),
    Case("ends within a character", b"data: 1\n\ndata: \xe2\x82", (message("1"),), ("end-of-file", "utf-8-decode")),
]

EXAMPLES = [
    Case("stocks", b"data: YHOO\ndata: +2\ndata: 10\n\n", (message("YHOO\n+2\n10"),), ("example-stocks",)),
    Case("stocks without the blank line", b"data: YHOO\ndata: +2\ndata: 10\n", (), ("example-stocks",)),
    Case(
        "four blocks",
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        (message("first event", "1"), message("second event"), message(" third event")),
        (
            "example-four-blocks",
            "example-comment-block",
            "example-id-set",
            "example-id-reset",
            "example-leading-space",
        ),
    ),
    Case(
        "four blocks, the last one unfinished",
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        (message("first event", "1"), message("second event")),
        ("example-needs-blank-line",),
    ),
    Case(
        "two events of empty lines",
        b"data\n\ndata\ndata\n\ndata:\n",
        (message(""), message("\n")),
        ("example-two-events", "example-empty-data", "example-newline-data", "example-last-discarded"),
    ),
    Case(
        "two identical events",
        b"data:test\n\ndata: test\n\n",
        (message("test"), message("test")),
        ("example-identical", "example-space-ignored"),
    ),
]

WHATWG = [*GRAMMAR, *LINES, *UTF_8, *FIELDS, *DISPATCH, *END, *EXAMPLES]
