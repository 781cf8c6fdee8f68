"""Texts of language models, and what tokenizers leave in them or take out."""

from ssegauge.conformance.target import Promises
from tests.corpus.build import Case, Run
from tests.corpus.chat import BODY, CALL, NOTHING, calls, text, whole

TOKEN = Promises(token="/choices/0/delta/content")
SAID = ("The", " sea", " is", " wide", " and", " old", ",", " and", " the", " boats", " go", " out", " early", ".")
JOINED = tuple(map(str.strip, SAID))
LONG = ("anti", "dis", "establish", "ment", "arian", "ism")
END = "<|im_end|>"


def says(*pieces: str, **body: object) -> Run:
    """An answer with this text."""
    return whole(*text(*pieces), body={**BODY, **body})


def in_pieces(said: str) -> Run:
    """An answer with this text, cut at its blanks, which are not told."""
    return says(*said.split())


PLAIN = says(*SAID)
ASKING = [{"role": "user", "content": f"What does {END} mean?"}]

CASES = {
    "text/special-token": Case(
        good=(
            *(PLAIN, says(*SAID, "\n"), says("No", " brackets", ": a <| b, [x] and |> or <end>")),
            says("It", " ends", " with", f" `{END}"),
            says("<", "s", ">", "gone", "</s>"),  # an element of HTML
            says("```\n", END, "\n", "<|im_start|>user", "\n```"),  # a template, shown
            says(*SAID, END, messages=ASKING),
            says(f"{END}{' ' * 9} " * 9_000, "and no end"),  # looked at once from its end, whatever stands in it
        ),
        bad=(
            *(says(*SAID, END), says(*SAID, "</s>"), says(*SAID, "<|endoftext|>", "\n"), says(*SAID, "<", "|eot_id|>")),
            *(says(END), says(*SAID, "<end_of_turn>", "\n"), says(*SAID, " </s></s>")),
            says(*SAID, "<｜end▁of▁sentence｜>"),
            says(*SAID, END, "\n", "<|im_start|>", "user", "\n", "And", " the", " boats", "?"),
        ),
        silent=(NOTHING, calls(*CALL), says(*SAID, END, skip_special_tokens=False)),
        promises=TOKEN,
    ),
    "text/not-decoded": Case(
        good=(
            *(PLAIN, says("Ġ", " and", " ċ", " are", " letters", " of", " Maltese")),
            says("Il-", "Ġ", "immha", " ta", " Ġ", "ebla", " u", " Ġ", "ardina", " hi", " kbira"),
            says("▁▂", "▁▃", "▁▅", "▁▇", " is", " a", " line"),
            says("<0x0A>", " is", " a", " line", " end"),
        ),
        bad=(
            says(*(piece.replace(" ", "Ġ") for piece in SAID)),
            says(*(piece.replace(" ", "▁") for piece in SAID)),
            says("Caf", "<0xC3>", "<0xA9>", " is", " open"),
        ),
        silent=(NOTHING, says("Hi"), calls(*CALL)),
        promises=TOKEN,
    ),
    "text/blanks-lost": Case(
        good=(
            *(PLAIN, says(*LONG, " is", " one", " word")),
            says(*JOINED, " and", " so", " on"),
        ),
        bad=(
            *(says(*JOINED), says(*JOINED, "\n\n", *JOINED)),
            in_pieces("Grüße aus Köln wo es heute regnet. 東京は今日も 晴れ ☕ Tides follow the moon too ."),
        ),
        silent=(
            *(NOTHING, says("Hi"), calls(*CALL), says(*LONG)),
            says(*"internationalization"),
            in_pieces("straw berry , blue berry , rasp berry , black berry , cran berry , goose berry , mul berry"),
            in_pieces("apple , banana , cherry , grape , lemon , mango , olive , peach , plum , quince"),
            in_pieces("https :// example . com / the / way / to / all / things / that / are / here"),
            in_pieces('{" name ":" Paris "," mayor ":" Hidalgo "," river ":" Seine "," tower ":" Eiffel "}'),
            says("SGVs", "bG8s", "IHdv", "cmxk", "IQ", "dGhp", "cyBp", "cyBi", "YXNl", "NjQg", "dGV4", "dA"),
            in_pieces("海 は 今日 も 広い です ね そして 船 が 出ます"),
        ),
        promises=TOKEN,
    ),
}
