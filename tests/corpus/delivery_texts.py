"""Texts that arrive as they were written, and texts that do not."""

import html
import json
from urllib.parse import quote

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus import delivery_complete
from tests.corpus.build import Case, Run
from tests.corpus.delivery_complete import feed, marker, publish

LETTERS, CODES = "all of é Ж 中 😀", "1\v2\f3\x1c4\u20285"
CODE = 'say  "it\'s"\tin   C:\\new\\u0041 \\"'
ONE = marker(0)
LONG = "x" * 9000


def sent(case: str, text: str, **more: object) -> Transcript:
    around = " " if case == "letters" else ""
    return publish(0, 1000.0, canary=case, message=f"{around}{ONE} {text} {ONE}-end{around}", **more)


def told(text: str) -> tuple[float, bytes]:
    return 1010.0, b"".join(f"data: {line}\n".encode() for line in text.split("\n")) + b"\n"


def in_json(text: str) -> tuple[float, bytes]:
    return told(json.dumps({"text": text}, ensure_ascii=False))


def came(case: str, sent_as: str, *events: tuple[float, bytes]) -> Run:
    return sent(case, sent_as), feed(*events, situation="canary")


def code(text: str) -> str:
    return f"{ONE} {text} {ONE}-end"


def letters(text: str, around: str = " ", end: str = " ") -> str:
    return f"{around}{ONE} {text} {ONE}-end{end}"


LOST = delivery_complete.CASES["delivery/update-lost"]
SOON = feed((1510.0, told(marker(1))[1]), ended_at=2000.0, situation="canary")
LATER = publish(1, 6000.0)


def large(*events: tuple[float, bytes], **more: object) -> Run:
    told_later = (6010.0, told(marker(1))[1])
    return sent("large", "x" * 9000, **more), LATER, feed(*events, told_later, situation="canary")


CASES = {
    "delivery/text-altered": Case(
        good=(
            came("letters", LETTERS, told(letters(LETTERS))),
            came("letters", LETTERS, in_json(letters(LETTERS))),
            came("letters", f"{LETTERS} & <", in_json(letters(f"{LETTERS} & <"))),
            came("letters", f"{LETTERS} & <", in_json(letters(f"{LETTERS} &"))),  # a tag taken out
            came("letters", LETTERS, told(json.dumps({"text": letters(LETTERS)}))),
            came("letters", LETTERS, told(letters(LETTERS, "", ""))),  # trimmed
            came("letters", LETTERS, told("12:00 " + letters(LETTERS, "", ""))),
            came("letters", LETTERS, told(letters("e\u0301 Ж 中 😀"))),  # the same letter in two codes
            came("letters", LETTERS, told(letters("&eacute; &#1046; 中 &#x1f600;"))),
            came("letters", LETTERS, told(letters("%C3%A9+%D0%96+%E4%B8%AD+%F0%9F%98%80"))),
            came("letters", LETTERS, told(letters(json.dumps(LETTERS)[1:-1]))),
            came(
                "letters", f"{LETTERS} & <", told(f"<li><p>{letters(f'{LETTERS} &amp; &lt;')}</p></li>")
            ),  # a fragment
            came("code", CODE, told(code(CODE))),
            came("code", CODE, in_json(code(CODE))),
            came("code", CODE, in_json(json.dumps({"text": code(CODE)}))),  # JSON in JSON
            came("code", CODE, told("12:00,news," + code(CODE.replace('"', '""')))),  # CSV
            came("code", CODE, told(code(html.escape(CODE)))),
            came("code", CODE, told(code(quote(CODE)))),
            came("code", CODE, in_json(code("say  “it’s”\tin   C:\\new\\u0041 \\”"))),
            came("code", CODE, told(json.dumps({"text": code(CODE), "preview": code(" ".join(CODE.split()))}))),
            came("controls", CODES, told(f"{ONE} {CODES} {ONE}-end")),
            came("controls", CODES, told(f"{ONE} 12345 {ONE}-end")),  # left out
            came("controls", CODES, in_json(f"{ONE} 1 2 3 4 5 {ONE}-end")),
            came("large", LONG, in_json(f"{ONE} {LONG} {ONE}-end")),
            came("large", LONG, told(f"{ONE} {LONG[:200]}"), told(f"{ONE} {LONG} {ONE}-end")),  # how it begins, first
            came("large", LONG, told(f"{ONE} {LONG[:5000]}"), told(f"{LONG[:4000]} {ONE}-end")),  # in parts
        ),
        bad=(
            came("letters", LETTERS, told(letters("all of é ? ? ?"))),
            came("letters", LETTERS, in_json(letters("all of ? ? ? ?"))),
            came("letters", LETTERS, in_json(letters("é Ж 中 "))),
            came("letters", LETTERS, in_json(letters("Ã© Ð– ä¸­ ðŸ˜€"))),
            came("letters", LETTERS, told(f" {ONE} all of é Ж 中 ")),  # cut off where four bytes begin
            came("letters", LETTERS, told(letters(LETTERS, ""))),  # `data:` and the text, without a blank between
            came("letters", f"{LETTERS} & <", in_json(letters(f"{LETTERS} &amp; &lt;"))),
            came("code", CODE, in_json(code(CODE.replace("\\", "")))),
            came("code", CODE, in_json(code(" ".join(CODE.split())))),
            came("code", CODE, told(code(CODE.replace("  ", " ")))),
            came("code", CODE, told(code(CODE.expandtabs(4)))),
            came("code", CODE, in_json(code(CODE.replace("'", "''")))),
            came("code", CODE, in_json(code(CODE.replace("'", "\\'").replace('"', '\\"')))),
            came("code", CODE, in_json(code('say  "it\'s"\tin   C:\new A "'))),  # read as JSON twice
            came("controls", CODES, told(f"{ONE} 1\n2\n3\n4\n5 {ONE}-end")),
            came("controls", CODES, in_json(f"{ONE} 1\v2\f3\x1c4\n5 {ONE}-end")),
            came("large", LONG, in_json(f"{ONE} {LONG[:4096]}")),
            came("large", LONG, told(f"12:00 {ONE} {LONG[:4096]}")),
        ),
        silent=(
            came("letters", LETTERS),
            came("letters", LETTERS, told(ONE)),  # shortened
            (sent("letters", LETTERS, status=422), feed(told(ONE), situation="canary")),
            came("code", CODE, told(ONE)),
            came("code", CODE, told(f"<p>{code(' '.join(CODE.split()))}</p>")),  # a page shows it so anyway
            came("large", LONG, told(ONE)),
            came("large", LONG),
            came("large", LONG, in_json(f"{ONE} {LONG[:500]}…")),
            came("large", LONG, told(f"{ONE} {LONG[:500]} [500 of 9,000 characters]")),
            came(
                "large", LONG, told(f"{ONE} {LONG[:5000]}"), told(LONG[:4000])
            ),  # the end's mark is cut in two, perhaps
            (sent("large", LONG, status=413), feed(told(f"{ONE} {LONG[:500]}"), situation="canary")),
        ),
    ),
    "delivery/update-lost": Case(
        good=(*LOST.good, large(told(ONE)), came("letters", LETTERS, told(ONE))),
        bad=(*LOST.bad, large()),
        silent=(
            *LOST.silent,
            large(status=413),
            (sent("large", "x"), feed(situation="canary")),  # nor did anything else
            (sent("large", "x"), publish(1, 1500.0), SOON),
        ),
    ),
}
