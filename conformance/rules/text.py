"""Rules on the text of a language model: what its tokenizer leaves in it, or takes out."""

import re
from collections.abc import Iterator
from itertools import groupby
from statistics import fmean

from ssegauge.conformance.rules.reading.pieces import Told, told_texts
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen
from ssegauge.conformance.words import shown

# What begins and ends texts and turns for models of many houses, and is no text. `<s>` is one of HTML's elements too.
_FOR_THE_MODEL = r"<[|｜][\w▁ ]{1,40}[|｜]>|</s>|<(?:eos|bos|pad|unk|(?:end|start)_of_turn)>|\[/?INST\]|<</?SYS>>"
_TOKEN = re.compile(_FOR_THE_MODEL)
MOST_BEHIND = 400  # characters: so far from its end a text is looked at for tokens behind it
_A_TURN = re.compile(
    r"<\|im_end\|>\s*<\|im_start\|>|<\|im_start\|>(?:system|user|assistant)\b|<\|eot_id\|>\s*<\|start_header_id\|>"
)
_ASKED_FOR = re.compile(r'"(?:skip_special_tokens":\s*false|include_stop_str_in_output":\s*true)')
_QUOTES = tuple("`'\"“‘(«")
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_BLANK = re.compile(r"[ĠĊ▁](?![▁-█])")  # blank and line end as byte-level BPE and SentencePiece write them
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]+")
LEAST_MARKS = 3
LEAST_JOINED = 8  # pieces that are words, each right behind another
LEAST_IN_A_RUN = 5  # of these
SHORTEST = 2.5  # characters: what comes letter by letter may be one long word


@rule("text/special-token", "must", profile("E1.10"), rests_on=SPOILED)
def special_token(seen: Seen) -> Iterator[Mark]:
    """No token that is for the model alone stands in its text.

    Why: Readers see `<|im_end|>` behind each answer, and what parses the answer (JSON, a call, a number) fails at it.

    Mend: Take the model's end tokens out of the text: decode with `skip_special_tokens`, name all of its ends as stop
    tokens (a chat model has others than its base), and use the template that it was trained with.

    Example: data: {"choices":[{"delta":{"content":"<|im_end|>"}}]}
    """
    for told in told_texts(seen):
        asked = told.view.transcript.request.body or ""
        if _ASKED_FOR.search(asked):
            continue
        end, turn = _behind(told.text), _A_TURN.search(told.text)
        if end and not _is_meant(told, end, asked):
            yield told.view.bad(f"the text ends with {shown(end[0])}", told.at(end.start()))
        elif turn and not _is_meant(told, turn, asked):
            yield told.view.bad(f"{shown(turn[0])} in the text: a turn's end", told.at(turn.start()), "should")
        else:
            yield told.view.good()


def _behind(text: str) -> re.Match[str] | None:
    """Return the first of the tokens with which a text ends; blanks may stand between them."""
    since = max(0, len(text) - MOST_BEHIND)
    found, end = None, len(text.rstrip())
    for token in reversed([*_TOKEN.finditer(text, since)]):
        if token.end() != end:
            break
        found, end = token, since + len(text[since : token.start()].rstrip())
    return found


def _is_meant(told: Told, found: re.Match[str], asked: str) -> bool:
    """Whether the text may speak of the token: the question does, it is quoted, or it closes an element of HTML."""
    before = told.text[: found.start()]
    named = any(one in asked for one in _TOKEN.findall(found[0]))
    return named or before[-1:] in _QUOTES or before.count("```") % 2 == 1 or "<s>" in before


@rule("text/not-decoded", "must", profile("E1.10"), rests_on=SPOILED)
def not_decoded(seen: Seen) -> Iterator[Mark]:
    """Text is text, and not how a tokenizer writes its tokens.

    Why: Readers see "TheĠseaĠisĠwide", or `<0xE2>` for a part of a character.

    Mend: Give clients what the tokenizer decodes (`decode`, of all tokens so far, and of that what is new), never the
    names of its tokens (`convert_ids_to_tokens`, `id_to_piece`).

    Example: data: {"choices":[{"delta":{"content":"Ġsea"}}]}
    """
    for told in told_texts(seen):
        marks = [at for at, piece in enumerate(told.pieces) if _BLANK.match(piece)]
        raw = [at for at, piece in enumerate(told.pieces) if _BYTE.fullmatch(piece)]
        if len(marks) >= LEAST_MARKS and len(marks) > told.text.count(" "):
            yield told.view.bad(
                f"{shown(told.pieces[marks[0]])}: a blank as tokenizers write it", told.messages[marks[0]]
            )
        elif len(raw) >= LEAST_MARKS - 1:
            yield told.view.bad(f"{shown(told.pieces[raw[0]])}: a byte as tokenizers write it", told.messages[raw[0]])
        elif len(told.pieces) > 1:
            yield told.view.good()


@rule("text/blanks-lost", "should", profile("E1.10"), rests_on=(*SPOILED, "text/not-decoded"))
def blanks_lost(seen: Seen) -> Iterator[Mark]:
    """The blanks between the words of a text arrive.

    Why: Clients add the pieces up, and show "Theseaiswide".

    Mend: Pass each piece on as the model gave it: do not `strip()` it, and leave none out that is blank; most tokens
    begin with the blank before their word. Decode all tokens so far together, and of that send what is new: by itself
    each loses the blank that it begins with.

    Example: data: {"choices":[{"delta":{"content":"sea"}}]}, behind "The" and before "is"
    """
    for told in told_texts(seen):
        if " " in told.text:
            yield told.view.good()
        elif _runs_together(told):
            yield told.view.bad(f"no blank in {len(told.pieces)} pieces: {shown(told.text)}", told.messages[0])


def _runs_together(told: Told) -> bool:
    """Whether words stand one behind the other, more of them than one long word is made of."""
    runs = [list(run) for are_words, run in groupby(told.pieces, _is_word) if are_words]
    longest = max(runs, key=len, default=[])
    joined = sum(len(run) - 1 for run in runs)
    return len(longest) >= LEAST_IN_A_RUN and joined >= LEAST_JOINED and fmean(map(len, longest)) >= SHORTEST


def _is_word(piece: str) -> bool:
    """Whether a piece is a word, or a part of one."""
    return _LATIN.fullmatch(piece) is not None and (piece[1:].islower() or len(piece) == 1)
