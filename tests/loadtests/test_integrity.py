"""Ledgers against a slow, obvious model; tokens through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssegauge.loadtests.measuring.integrity import Account, Ledger, Token, Tokens


def account_of(floor: int, arrived: list[int], up_to: int, refused: frozenset[int] = frozenset()) -> Account:
    ledger = Ledger(floor)
    for number in arrived:
        ledger.note(number)
    return ledger.close(up_to, refused)


def modelled(floor: int, arrived: list[int], up_to: int, refused: frozenset[int]) -> Account:
    expected = set(range(floor + 1, up_to + 1)) - refused
    counted = [number for number in arrived if number > floor]
    firsts = [number for at, number in enumerate(counted) if number not in counted[:at]]
    late = sum(any(earlier > number for earlier in firsts[:at]) for at, number in enumerate(firsts))
    lost = len(expected - set(counted))
    return Account(len(expected), len(expected) - lost, lost, len(counted) - len(firsts), late)


@given(
    floor=st.integers(0, 3),
    arrived=st.lists(st.integers(1, 12), max_size=20),
    up_to=st.integers(0, 12),
    refused=st.frozensets(st.integers(1, 12), max_size=4),
)
def test_a_ledger_counts_what_the_model_counts(
    floor: int, arrived: list[int], up_to: int, refused: frozenset[int]
) -> None:
    assert account_of(floor, arrived, up_to, refused) == modelled(floor, arrived, up_to, refused)


CASES = {
    "all in order": (0, [1, 2, 3], 3, Account(3, 3)),
    "current state first": (2, [2, 3, 4], 4, Account(2, 2)),
    "raced with the opening": (2, [1, 2, 3], 3, Account(1, 1)),
    "one lost in the middle": (0, [1, 3], 3, Account(3, 2, lost=1)),
    "the last one lost": (0, [1, 2], 3, Account(3, 2, lost=1)),
    "one twice": (0, [1, 2, 2, 3], 3, Account(3, 3, duplicated=1)),
    "two swapped": (0, [2, 1, 3], 3, Account(3, 3, reordered=1)),
    "nothing at all": (0, [], 3, Account(3, 0, lost=3)),
    "sent after the close": (0, [1, 2, 3], 2, Account(2, 2)),
}


@pytest.mark.parametrize(("floor", "arrived", "up_to", "expected"), CASES.values(), ids=CASES)
def test_the_usual_cases(floor: int, arrived: list[int], up_to: int, expected: Account) -> None:
    assert account_of(floor, arrived, up_to) == expected


def test_what_the_server_refused_is_not_missed() -> None:
    assert account_of(0, [1, 3], 3, frozenset({2})) == Account(2, 2)


@given(st.builds(Token, *[st.integers(0, 2**63)] * 4), st.text())
def test_a_token_survives_json_among_any_text(token: Token, text: str) -> None:
    tokens = Tokens("0a1b2c3d")
    data = json.dumps({"message": text + tokens.write(token), "stage": text})
    assert tokens.find(data) == token


def test_a_token_of_another_run_and_a_cut_token_are_none() -> None:
    text = Tokens("0a1b2c3d").write(Token(1, 2, 3, 4))
    assert Tokens("ffffffff").find(text) is None
    assert Tokens("0a1b2c3d").find(text[:-1]) is None
