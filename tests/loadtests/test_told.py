"""Tokens, errors and lengths, as events of different APIs tell them."""

from __future__ import annotations

import pytest

from ssegauge.loadtests.measuring.tokens import Pieces, told_error, told_usage
from tests.loadtests.answers import DONE, TOKEN, event

PIECES = {
    "a text": (event("Hi"), True),
    "an escaped text": (event('say "x" \\ \n'), True),
    "an empty text": (event(""), False),
    "a role": (event(None), False),
    "no JSON": (DONE, False),
    "a number": (event("x").replace(b'"x"', b"5"), False),
    "an error": (b'data: {"error": {"content": "x"}}\n\n', False),
    "nested too deep": (b"data: " + b"[" * 5000 + b"\n\n", False),
}


@pytest.mark.parametrize("first", PIECES)
def test_texts_are_found_whatever_came_before(first: str) -> None:
    pieces = Pieces(TOKEN)
    for name in (first, *PIECES, first, *PIECES):
        data, has_text = PIECES[name]
        assert pieces.has_one(data[6:-2].decode()) is has_text, name


ERRORS = {
    ("message", '{"error": {"message": "no\\n more", "type": "x"}}'): "no more",
    ("message", '{"error": null, "choices": []}'): "",
    ("message", '{"type": "error", "error": {"type": "overloaded_error"}}'): "overloaded_error",
    ("message", '{"type": "response.failed", "response": {"error": {"code": "server_error"}}}'): "server_error",
    ("message", '{"type": "response.completed", "response": {"error": null}}'): "",
    ("message", '{"text": "an \\"error\\" in a text"}'): "",
    ("error", "not JSON"): "not JSON",
    ("error", "{}"): "{}",
}


@pytest.mark.parametrize(("told", "error"), ERRORS.items())
def test_an_error_that_an_event_tells_is_read(told: tuple[str, str], error: str) -> None:
    assert told_error(*told) == error


USAGES = {
    '{"usage": {"prompt_tokens": 9, "completion_tokens": 20}}': (9, 20),
    '{"usage": {"output_tokens": 15}}': (None, 15),
    '{"message": {"usage": {"input_tokens": 25, "output_tokens": 1}}}': (25, 1),
    '{"response": {"usage": {"input_tokens": 36, "output_tokens": 87}}}': (36, 87),
    '{"usage":null}': (None, None),
    '{"usage": {"prompt_tokens": true}}': (None, None),
    '"usage"': (None, None),
}


@pytest.mark.parametrize(("data", "lengths"), USAGES.items())
def test_lengths_are_read_where_an_api_tells_them(data: str, lengths: tuple[int | None, int | None]) -> None:
    assert told_usage(data) == lengths
