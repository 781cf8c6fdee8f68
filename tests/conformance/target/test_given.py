"""What the command line says of a target: addresses as people type them, and the options that go with them."""

from pathlib import Path

import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call, Given, Target, Tls, from_toml, from_url, load_target

FILE = """
base_url = "http://127.0.0.1:3000"
headers = { authorization = "Bearer of-file", X-Tenant = "7" }
[stream]
path = "/events"
headers = { Accept = "text/event-stream, application/json", AUTHORIZATION = "Bearer of-stream" }
[existing]
path = "/health"
"""
ENVIRON = {"TOKEN": "s3cret-of-env"}


def given(**options: object) -> Target:
    return from_url("http://x/e", Given(**options), ENVIRON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "base", "path"),
    [
        ("127.0.0.1:3000/events", "http://127.0.0.1:3000", "/events"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000", "/"),
        ("127.0.0.1/x", "http://127.0.0.1", "/x"),
        ("localhost:3000/x?a=b", "http://localhost:3000", "/x?a=b"),
        ("localhost", "http://localhost", "/"),
        ("localhost/x", "http://localhost", "/x"),
        ("[::1]:3000/events", "http://[::1]:3000", "/events"),
        ("example.com/events", "http://example.com", "/events"),
        ("example.com:8080", "http://example.com:8080", "/"),
        ("api.example.com?x=1", "http://api.example.com", "/?x=1"),
        ("myserver:3000/events", "http://myserver:3000", "/events"),
        ("HTTPS://example.com/e", "https://example.com", "/e"),
    ],
)
def test_an_address_needs_no_scheme(where: str, base: str, path: str) -> None:
    assert load_target(where) == Target(base, Call(path, "GET"), "event-stream")


@pytest.mark.parametrize(
    "where",
    [
        "ssegauge.tml",
        "example.com",
        "events",
        "./x.txt",
        "/etc/none",
        "a/b.toml",
        "x:y/z",
        "",
        "x" * 300,
        "x.de/" + "x" * 300 + ".toml",
    ],
)
def test_a_word_that_is_neither_says_so(where: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        load_target(where)

    assert "no such file" in str(caught.value) or "cannot be read" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["127.0.0.1:99999/x", "localhost:0/x"])
def test_a_port_that_is_none_is_named(where: str) -> None:
    with pytest.raises(CannotJudge, match="is not an http:// or https:// address"):
        load_target(where)


def test_a_file_wins_over_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "example.com").mkdir()
    (tmp_path / "example.com" / "events").write_text(FILE)

    assert load_target("example.com/events").base_url == "http://127.0.0.1:3000"


def test_options_describe_the_stream_of_a_url() -> None:
    target = given(
        headers=("X-Tenant: 7", "accept: a/b", "Content-Type: application/x+json"),
        body='{"q": ["${TOKEN}"]}',
        profile="task-progress",
        insecure=True,
        ca_file=__file__,
    )

    stream = Call("/e", "POST", {"q": ["s3cret-of-env"]}, {"accept": "a/b", "Content-Type": "application/x+json"})
    assert (target.stream, target.headers) == (stream, {"X-Tenant": "7"})
    assert (target.profile, target.tls) == ("task-progress", Tls(False, __file__))
    assert target.secrets == {"s3cret-of-env"}


@pytest.mark.parametrize(
    ("options", "method"),
    [({}, "GET"), ({"body": "[]"}, "POST"), ({"body": "[]", "method": "put"}, "PUT"), ({"method": "Query"}, "Query")],
)
def test_a_request_with_a_body_is_a_post_where_nothing_else_is_said(options: dict[str, str], method: str) -> None:
    assert given(**options).stream.method == method


def test_options_replace_what_the_file_says() -> None:
    told = Given(("Authorization: Bearer mine-own", "ACCEPT: x/y"), "QUERY", "{}", "event-stream", insecure=True)
    target = from_toml(FILE, given=told)

    assert target.headers == {"X-Tenant": "7", "Authorization": "Bearer mine-own"}
    assert target.stream == Call("/events", "QUERY", {}, {"ACCEPT": "x/y"})
    assert target.existing == Call("/health", "GET")
    assert target.tls == Tls(False)


def test_what_is_not_given_stays_as_in_the_file() -> None:
    assert from_toml(FILE, given=Given()) == from_toml(FILE)
    assert from_toml(FILE, given=Given(profile="task-progress")).stream == from_toml(FILE).stream


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        ("Authorization: Bearer abc.def", {"Bearer abc.def", "abc.def"}),
        ("X-API-Key: k", {"k"}),
        ("Cookie: a=b; c=d", {"a=b; c=d", "c=d"}),
        ("Mcp-Session-Id: s", {"s"}),
        ("X-Token-Of: ${TOKEN}", {"s3cret-of-env"}),
        ("X-Tenant: 7", set()),
    ],
)
def test_the_value_of_a_credential_is_a_secret(header: str, secrets: set[str]) -> None:
    assert given(headers=(header,)).secrets == secrets


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headers": ("X",)}, "--header: 'X' has no value; write 'Name: value'"),
        ({"headers": ("X:",)}, "--header: 'X' has no value; write 'Name: value'"),
        ({"headers": ("A B: c",)}, "--header: 'A B' is not the name of a header field"),
        ({"headers": (": c",)}, "--header: '' is not the name of a header field"),
        ({"headers": ("A: b\r\nC: d",)}, "--header: the value of A holds a line break or the like"),
        ({"headers": ("A: ${NONE}",)}, "--header: environment variable NONE is not set; set it, or remove ${NONE}"),
        ({"body": "{"}, "--body: not JSON (Expecting property name"),
        ({"body": "NaN"}, "--body: not JSON (NaN is not JSON)"),
        ({"body": "[" * 100_000}, "--body: not JSON ("),
        ({"body": "@none.json"}, "--body: @none.json: cannot be read ("),
        ({"body": '["${NONE}"]'}, "--body: environment variable NONE is not set"),
        ({"ca_file": "none.pem"}, "--cacert none.pem: no such file; give the authority's certificate in PEM"),
        ({"method": "GET /"}, "--method 'GET /' is not an HTTP method"),
        ({"profile": "events-stream"}, "--profile 'events-stream' is none of task-progress, event-stream"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        given(**options)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_body_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"a": 1}')

    assert given(body=f"@{tmp_path}/body.json").stream.json == {"a": 1}
