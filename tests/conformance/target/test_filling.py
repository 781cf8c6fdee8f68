import pytest

from ssegauge.conformance.target import Before, Call, Target, fill, fill_json, fill_path, kept, kept_secrets


def test_a_json_template_is_filled_in_everywhere_and_keeps_types() -> None:
    template = {"state": "{status}", "percent": "{progress}", "log": ["{stage}: {message}", 7, None]}
    assert fill_json(template, {"status": "running", "progress": 5, "stage": "Load", "message": "m"}) == {
        "state": "running",
        "percent": 5,
        "log": ["Load: m", 7, None],
    }


def test_a_call_is_filled_in_and_what_nobody_fills_in_stays() -> None:
    call = Call("/runs/{run}/{other}", "POST", {"query": "{ a { run } }", "id": "{run}"}, {"X-Run": "r={run}"})
    assert fill(call, {"run": "7"}) == Call(
        "/runs/7/{other}", "POST", {"query": "{ a { run } }", "id": "7"}, {"X-Run": "r=7"}
    )


def test_what_was_filled_in_is_not_looked_at_again() -> None:
    assert fill_json("{a} {b}", {"a": "{b}", "b": "x"}) == "{b} x"


def test_in_a_path_what_no_address_may_hold_is_encoded_and_structure_stays() -> None:
    assert fill_path("/x/{id}", {"id": "a b#ü"}) == "/x/a%20b%23%C3%BC"
    assert fill_path("{place}", {"place": "/runs/7?a=b%20c"}) == "/runs/7?a=b%20c"


KEEP = Before("/runs", "POST", keep={"run": "/id", "session": "header:Mcp-Session-Id"})
FIELDS = [("mcp-session-id", "abc")]


def test_a_reply_gives_what_is_kept_of_it() -> None:
    assert kept(KEEP, FIELDS, b'{"id": 7}') == {"run": "7", "session": "abc"}


def test_a_cookie_is_kept_by_its_name_among_others_and_is_a_secret() -> None:
    login = Before("/login", "POST", keep={"session": "cookie:session", "other": "cookie:Session"})
    fields = [("Set-Cookie", "session=a=b; Path=/; HttpOnly"), ("set-cookie", "Session=2"), ("set-cookie", "lang=en")]
    found = kept(login, fields, b"")
    assert found == {"session": "a=b", "other": "2"}
    assert kept_secrets(login, found, Target("http://h", Call("/", "GET"))) == {"a=b", "2"}
    with pytest.raises(LookupError, match=r"^the reply sets no cookie session$"):
        kept(login, fields[1:], b"")


@pytest.mark.parametrize(
    "stream",
    [
        Call("/events", "GET", headers={"Authorization": "Bearer {jwt}"}),
        Call("/events?v=2&access_token={jwt}", "GET"),
        Call("/events", "POST", json={"auth": {"token": ["{jwt}"]}, "about": "{other}"}),
    ],
    ids=["in a field", "in a query", "in a body"],
)
def test_what_goes_where_credentials_do_is_a_secret(stream: Call) -> None:
    login = Before("/login", "POST", keep={"jwt": "/jwt", "other": "/n"})
    assert kept_secrets(login, {"jwt": "a.b.c", "other": "7"}, Target("http://h", stream)) == {"a.b.c"}


def test_a_reply_may_be_an_event_stream() -> None:
    assert kept(KEEP, FIELDS, b'event: message\r\ndata: {"id": "r1"}\r\n\r\n')["run"] == "r1"


@pytest.mark.parametrize(
    ("fields", "body", "message"),
    [
        (FIELDS, b"<!doctype html><p>Log in</p>", "the reply is an HTML page, not JSON, so there is no value at /id"),
        (FIELDS, b"", "the reply is an empty body, not JSON, so there is no value at /id"),
        (FIELDS, b"no", "the reply is 'no', not JSON, so there is no value at /id"),
        (FIELDS, b"[" * 100_000, "the reply is '[[["),
        (FIELDS, b'{"ID": 7}', "no value at /id"),
        (FIELDS, b'{"id": {}}', "the value at /id is not one line of text or a number"),
        (FIELDS, b'{"id": true}', "the value at /id is not one line of text or a number"),
        (FIELDS, b'{"id": null}', "the value at /id is not one line of text or a number"),
        (FIELDS, b'{"id": "a\\r\\nB: c"}', "the value at /id is not one line of text or a number"),
        (FIELDS, b'{"id": ""}', "the value at /id is empty"),
        ([], b'{"id": 7}', "the reply has no header field Mcp-Session-Id"),
    ],
)
def test_what_a_reply_lacks_is_named(fields: list[tuple[str, str]], body: bytes, message: str) -> None:
    with pytest.raises(LookupError) as caught:
        kept(KEEP, fields, body)

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
