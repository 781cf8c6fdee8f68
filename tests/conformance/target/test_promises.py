"""What a target file promises: read, kept together, contradicted, or used by nothing."""

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import (
    KNOWN,
    Before,
    Call,
    Ends,
    Given,
    Limits,
    Promises,
    Target,
    from_plain,
    from_toml,
    from_url,
)

BASE = 'base_url = "http://127.0.0.1:3000"\n[stream]\npath = "/events"\n'
TASKS = 'base_url = "http://127.0.0.1:3000"\n[stream]\npath = "/progress/{task_id}"\n'
PUBLISH = "for any other stream there is [publish]"
NOTHING = "is used by nothing in profile event-stream"
TLS = BASE.replace("http:", "https:")

WHOLE = """
base_url = "http://127.0.0.1:3000"

[[before]]
path = "/login"
json = { name = "me" }
keep = { session = "header:Mcp-Session-Id" }

[[before]]
path = "/runs"
method = "post"
headers = { Mcp-Session-Id = "{session}" }
[before.keep]
run = "/id"

[stream]
path = "/runs/{run}/events"

[promises]
ends = { pointer = "/status", in = ["completed", 0] }
shared = true
resume = false
first_event_s = 2
gap_s = 10.0
heartbeat_s = 20
token = "/choices/0/delta/content"

[publish]
path = "/publish/{run}"
json = { text = "{marker}" }
"""


def error(text: str) -> str:
    with pytest.raises(CannotJudge) as caught:
        from_toml(text, "t.toml", {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def ends_of(value: str) -> Ends | None:
    return from_toml(f"{BASE}[promises]\nends = {value}\n").promises.ends


def test_every_promise_is_read() -> None:
    target = from_toml(WHOLE)

    assert target.before == (
        Before("/login", "POST", {"name": "me"}, keep={"session": "header:Mcp-Session-Id"}),
        Before("/runs", "POST", None, {"Mcp-Session-Id": "{session}"}, keep={"run": "/id"}),
    )
    ends = Ends(pointer="/status", in_=("completed", 0))
    assert target.promises == Promises(ends, True, False, 2, 10.0, 20, {}, "/choices/0/delta/content")
    assert target.publish == Call("/publish/{run}", "POST", {"text": "{marker}"})
    assert (target.profile, target.heartbeat_s) == ("event-stream", 20)
    assert (target.unused, target.notes) == ((), ())


def test_what_is_not_promised_is_unknown_and_the_usual_heartbeat_stays() -> None:
    target = from_toml(BASE)

    assert target.promises == Promises()
    assert (target.heartbeat_s, target.before, target.publish) == (15.0, (), None)


def test_a_target_survives_json() -> None:
    target = replace(from_toml(WHOLE), secrets=frozenset({"s"}), unused=("a",))
    values = json.loads(json.dumps(asdict(target) | {"secrets": ["s"]}))

    back = from_plain(Target, values)
    assert (back, back.secrets, back.unused) == (target, target.secrets, target.unused)


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        ('"[DONE]"', Ends(data="[DONE]")),
        ('{ data = "never" }', Ends(data="never")),
        ('{ event = "complete" }', Ends(event="complete")),
        ('{ pointer = "", in = [true] }', Ends(pointer="", in_=(True,))),
        ('"never"', Ends(how="never")),
        ('"close"', Ends(how="close")),
    ],
)
def test_a_stream_ends_in_one_of_five_ways(value: str, ends: Ends) -> None:
    assert ends_of(value) == ends
    assert ends.has_marker is (value not in {'"never"', '"close"'})


@pytest.mark.parametrize(
    ("ends", "kind", "data", "expected"),
    [
        (Ends(data="[DONE]"), "message", "[DONE]", True),
        (Ends(data="[DONE]"), "message", "[DONE] ", False),
        (Ends(event="complete"), "complete", "", True),
        (Ends(event="complete"), "message", "complete", False),
        (Ends(pointer="/a/0", in_=("x", 1)), "message", '{"a": ["x"]}', True),
        (Ends(pointer="/a/0", in_=("x", 1)), "message", '{"a": [1]}', True),
        (Ends(pointer="/a/0", in_=("x", 1)), "message", '{"a": [true]}', False),
        (Ends(pointer="/a/0", in_=("x", 1)), "message", '{"b": ["x"]}', False),
        (Ends(pointer="/a/0", in_=("x", 1)), "message", "no JSON", False),
        (Ends(pointer="/a", in_=("x",)), "message", "[" * 100_000, False),
        (Ends(how="close"), "message", "close", False),
        (Ends(how="never"), "message", "never", False),
    ],
)
def test_the_event_that_ends_a_stream_is_known(ends: Ends, kind: str, data: str, expected: bool) -> None:
    assert ends.is_marker(kind, data) is expected


@pytest.mark.parametrize(
    ("ends", "described"),
    [
        (Ends(data="[DONE]"), "an event with the data '[DONE]'"),
        (Ends(event="end"), "an event of type 'end'"),
        (Ends(pointer="/s", in_=("a", 1)), 'an event with "a" or 1 at /s'),
        (Ends(how="close"), "the end of the response"),
        (Ends(how="never"), "nothing"),
    ],
)
def test_an_end_is_described(ends: Ends, described: str) -> None:
    assert ends.described() == described


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "[promises]\nend = 'x'\n", "t.toml:5: unknown key 'end'; did you mean 'ends'?"),
        (BASE + "[promises]\nends = 5\n", "t.toml:5: promises.ends = 5 is neither a string nor a table"),
        (BASE + "[promises]\nends = {}\n", "t.toml:5: promises.ends: give one of data, event, or pointer with in"),
        (BASE + "[promises]\nends = { data = 'x', event = 'y' }\n", "t.toml:5: promises.ends: give one of data, "),
        (BASE + "[promises]\nends = { how = 'never' }\n", "t.toml:5: unknown key 'how'; valid here: data, event"),
        (BASE + "[promises]\nends = { pointer = '/s' }\n", "t.toml:5: promises.ends: pointer and in belong together"),
        (BASE + "[promises]\nends = { pointer = '/s', in = [] }\n", "t.toml:5: promises.ends: pointer and in belong"),
        (BASE + "[promises]\nends = { event = 'x', in = ['y'] }\n", "t.toml:5: promises.ends: pointer and in belong"),
        (BASE + "[promises]\nends = { pointer = '/s', in = 'y' }\n", "t.toml:5: promises.ends.in must be an array"),
        (BASE + "[promises]\nends = { pointer = 's', in = ['y'] }\n", "t.toml:5: promises.ends.pointer = 's' is not "),
        (BASE + "[promises]\nends = { event = '' }\n", "t.toml:5: promises.ends: no event has an empty type"),
        (BASE + '[promises]\nends = "a\\rb"\n', "t.toml:5: promises.ends: no event can carry this line break"),
        (BASE + '[promises.ends]\nevent = "a\\nb"\n', "t.toml:4: promises.ends: no event can carry this line break"),
        (BASE + "[promises]\nshared = 'yes'\n", "t.toml:5: promises.shared = 'yes' is not true or false"),
        (BASE + "[promises]\ngap_s = 0\n", "t.toml:5: promises.gap_s = 0 can be kept by nobody; give more than 0"),
        (
            BASE + "[limits]\nupdate_s = 0\n",
            "t.toml:5: limits.update_s = 0 can be kept by nobody; give more than 0 seconds",
        ),
        (BASE + "[limits]\nconcurrent = 0\n", "t.toml:5: limits.concurrent = 0 lets nobody read; give 1 or more"),
        (BASE + "[promises]\ngap_s = -1\n", "t.toml:5: promises.gap_s = -1 is not a number"),
        (BASE + "[promises]\ngap_s = inf\n", "t.toml:5: promises.gap_s = inf is not a number"),
        (BASE + "[promises]\ngap_s = nan\n", "t.toml:5: promises.gap_s = nan is not a number"),
        (
            BASE + "[promises]\ntoken = 'choices'\n",
            "t.toml:5: promises.token = 'choices' is not a JSON Pointer (RFC 6901",
        ),
        (BASE + "[promises]\ntoken = '/a~2'\n", "t.toml:5: promises.token = '/a~2' is not a JSON Pointer (RFC 6901"),
        (
            BASE + "[promises]\nheartbeat_s = 10\n[limits]\nheartbeat_s = 15\n",
            "t.toml:5: promises.heartbeat_s = 10 contradicts limits.heartbeat_s = 15; keep one of them",
        ),
        (
            TASKS + "[promises]\nends = 'never'\n",
            "t.toml:5: promises.ends = 'never' contradicts task-progress: a stream ends after the task does; leave it ",
        ),
        (
            TASKS + "[promises]\nshared = false\n",
            "t.toml:5: promises.shared = false contradicts task-progress: all readers of a task are told the same; ",
        ),
        (
            TASKS + "[promises]\nresume = false\n",
            "t.toml:5: promises.resume = false contradicts task-progress: a reconnect goes on after Last-Event-ID; ",
        ),
        (BASE + "[before]\npath = '/x'\n", "t.toml:4: before must be an array of tables; write [[before]], not {"),
        (BASE + "[[before]]\nkeep = {}\n", "t.toml:4: before.path is missing; add it"),
        (
            BASE + "[[before]]\npath = '/a'\n[[before]]\npth = '/b'\n",
            "t.toml:7: unknown key 'pth'; did you mean 'path'?",
        ),
        (
            BASE + "[[before]]\npath = '/a'\n[before.keep]\nx = 'id'\n",
            "t.toml:7: before.keep.x = 'id' is not a JSON Pointer (/id), header:Name or cookie:Name",
        ),
        (
            BASE + "[[before]]\npath = '/a'\nkeep = { x = 5 }\n",
            "t.toml:6: before.keep = {'x': 5} is not a table of str",
        ),
        (BASE + "[[before]]\npath = '/a'\nkeep = { x = 'header:' }\n", "t.toml:6: before.keep.x = 'header:' is not "),
        (
            BASE + "[[before]]\npath = '/a'\nkeep = { task_id = '/id' }\n",
            "t.toml:6: before.keep: the name 'task_id' is none that can be kept; choose another",
        ),
        (
            BASE + "[[before]]\npath = '/a'\nkeep = { x = '/id' }\n" * 2,
            "t.toml:9: before.keep: the name 'x' is kept by an earlier call; choose another",
        ),
        (
            BASE + "[[before]]\npath = '/a/{x}'\nkeep = { x = '/id' }\n",
            "t.toml:5: nothing fills in {x}; keep it by a [[before]]",
        ),
        (
            BASE.replace("/events", "/{rum}") + "[[before]]\npath = '/a'\nkeep = { run = '/id' }\n",
            "t.toml:3: nothing fills in {rum}; did you mean 'run'?",
        ),
        (BASE + "[stream.headers]\nX-Run = '{run}'\n", "t.toml:5: nothing fills in {run}; valid here: task_id"),
        (BASE + "[publish]\npath = '/{task_id}'\n", "t.toml:5: nothing fills in {task_id}; valid here: marker"),
        (BASE + "[publish]\nid = '/x'\n", "t.toml:5: unknown key 'id'; valid here: path, method, json, headers"),
        (BASE + "method = 'GET /'\n", "t.toml:4: stream.method = 'GET /' is not an HTTP method"),
        (BASE + "headers = { 'A B' = 'c' }\n", "t.toml:4: stream.headers: 'A B' is not the name of a header field"),
        (BASE + 'headers = { A = "c\\nd" }\n', "t.toml:4: stream.headers: the value of A holds a line break or the "),
        ("profile = 'chat'\n" + BASE, "t.toml:1: profile = 'chat' is none of task-progress, event-stream"),
        ("profile = 'event_stream'\n" + BASE, "t.toml:1: profile = 'event_stream' is none of "),
        ("profile = 5\n" + BASE, "t.toml:1: profile = 5 is none of "),
        (
            BASE + "[observe]\nopen_streams = { path = '/m', value = 'x' }\n",
            "t.toml:5: observe.open_streams.value = 'x' ",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_a_remedy(text: str, message: str) -> None:
    assert error(text).startswith(message)


def test_a_profile_that_is_nearly_known_is_named() -> None:
    assert error("profile = 'event_stream'\n" + BASE).endswith("; did you mean 'event-stream'?")


@pytest.mark.parametrize("profile", KNOWN)
def test_each_profile_can_be_named(profile: str) -> None:
    assert from_toml(f"profile = '{profile}'\n" + BASE).profile == profile


@pytest.mark.parametrize(
    ("text", "unused", "note"),
    [
        (
            "profile = 'event-stream'\n" + BASE + "[task.snapshot]\npath = '/x'\n",
            "task.snapshot",
            f"t.toml:5: [task.snapshot] {NOTHING}; put {{task_id}} into stream.path; {PUBLISH}",
        ),
        (
            BASE + "[publish]\npath = '/p'\njson = { text = 'x' }\n",
            "publish",
            f"t.toml:4: [publish] {NOTHING}; put {{marker}} into its json or path",
        ),
        (
            BASE + "[tls]\nverify = false\n",
            "tls",
            "t.toml:4: [tls] is used by nothing in profile event-stream; base_url is http://",
        ),
        (
            BASE + "[promises]\nheartbeat_s = 5\n[limits]\nheartbeat_s = 5\n",
            "limits.heartbeat_s",
            "t.toml:7: [limits.heartbeat_s] is used by nothing in profile event-stream; promises.heartbeat_s says it",
        ),
        (
            BASE + "[[before]]\npath = '/a'\n[[before]]\npath = '/b'\nkeep = { run = '/id' }\n",
            "before.keep.run",
            "t.toml:8: [before.keep.run] is used by nothing in profile event-stream; write {run} where it is wanted",
        ),
    ],
)
def test_a_key_that_nothing_uses_is_named(text: str, unused: str, note: str) -> None:
    target = from_toml(text, "t.toml", {})

    assert (target.unused, target.notes) == ((unused,), (note,))


@pytest.mark.parametrize(
    "text",
    [
        TASKS + "[task.snapshot]\npath = '/x/{task_id}'\n",
        BASE + "[task.create_manual]\npath = '/x'\n[task.update]\npath = '/y'\n",
        BASE + "[publish]\npath = '/p/{marker}'\n",
        BASE + "[publish]\npath = '/p'\njson = ['a {marker}']\n",
        TLS + "[tls]\nverify = false\n",
        BASE + "[limits]\nheartbeat_s = 5\n",
        BASE + "[[before]]\npath = '/a'\nkeep = { run = '/id' }\n[publish]\npath = '/p'\njson = ['{run}{marker}']\n",
    ],
)
def test_a_key_that_is_used_is_not_named(text: str) -> None:
    assert from_toml(text).unused == ()


def test_what_the_command_line_changes_decides_what_is_used() -> None:
    text = "profile = 'task-progress'\n" + TASKS + "[promises]\nresume = false\n"

    assert from_toml(text, given=Given(profile="event-stream")).promises.resume is False


def test_a_profiles_own_promises_hold_where_the_target_says_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "promises.toml"
    own.write_text('ends = "[DONE]"\ntoken = "/t"\n')
    monkeypatch.setattr("ssegauge.conformance.target.promises_file", lambda _: own)

    assert from_url("http://x/").promises == Promises(ends=Ends(data="[DONE]"), token="/t")
    target = from_toml(BASE + "[promises]\nends = 'close'\nshared = true\n")
    assert target.promises == Promises(ends=Ends(how="close"), shared=True, token="/t")


def test_the_readmes_example_is_a_target_file(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL) if "[promises]" in block)
    (tmp_path / "event.schema.json").write_text("{}")
    target = from_toml(example, str(tmp_path / "t.toml"), {"SSE_TOKEN": "abcd"})

    assert all(getattr(target.promises, item.name) is not None for item in fields(Promises))
    assert target.unused == ("task.update",)
    usual = {item.name: item.default for item in fields(Limits)}
    assert asdict(target.limits) == usual
