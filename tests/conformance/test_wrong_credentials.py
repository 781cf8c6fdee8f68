"""Wrong credentials are of the length and form of the right ones, and say nothing of them."""

import base64

import pytest

from ssegauge.conformance.probes.wrong import wrong_credentials
from ssegauge.conformance.target import Given, from_url

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0."


def wrong(*headers: str) -> dict[str, str]:
    return wrong_credentials(from_url("http://127.0.0.1:1/events", Given(headers=headers)))


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("Authorization: Bearer tok-1234567890", "Bearer tok-"),
        ("Authorization: Bearer 0123456789abcdefXYZ", "Bearer "),
        (f"Authorization: Bearer {JWT}dGhlIHNpZ25hdHVyZQ", f"Bearer {JWT}"),
        ("Authorization: raw", ""),
        ("X-API-Key: sk-proj-Ab1Cd2", "sk-proj-"),
        ("Cookie: sid=abc.123-x", "sid="),
    ],
)
def test_characters_are_others_and_the_form_is_the_same(header: str, kept: str) -> None:
    name, _, value = header.partition(": ")
    changed = wrong(header)[name]

    assert changed.startswith(kept)
    assert len(changed) == len(value)
    for before, after in zip(value[len(kept) :], changed[len(kept) :], strict=True):
        assert (before.isdigit(), before.islower(), before.isupper()) == (
            after.isdigit(),
            after.islower(),
            after.isupper(),
        )
        assert (before != after) == before.isalnum()


def test_each_value_of_a_cookie_field_is_changed() -> None:
    changed = wrong('Cookie: a=one; b="two"')["Cookie"]

    assert changed.startswith("a=")
    assert changed[5:10] == '; b="'
    assert changed.endswith('"')
    assert not {"one", "two"} & set(changed.replace('"', "").replace("=", " ").replace(";", "").split())


def test_the_user_of_a_password_is_the_same() -> None:
    value = "Basic " + base64.b64encode(b"ada:pass1").decode()
    user, _, password = base64.b64decode(wrong(f"Authorization: {value}")["Authorization"][6:]).decode().partition(":")

    assert (user, len(password)) == ("ada", 5)
    assert password != "pass1"


@pytest.mark.parametrize("header", ['Authorization: Digest username="a", nonce="b"', "X-API-Key: --", "Accept: text/*"])
def test_what_cannot_be_changed_is_not_sent(header: str) -> None:
    assert wrong(header) == {}
