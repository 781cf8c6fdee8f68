from pathlib import Path

import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call, Create, Limits, Metric, Observe, Target, from_toml, load_target, pointer

SMALLEST = """
base_url = "http://127.0.0.1:8205/"
[stream]
path = "/progress/{task_id}"
"""

WHOLE = """
base_url = "https://example.org"
profile = "event-stream"
headers = { X-Tenant = "7" }
origin = "https://app.example"

[stream]
path = "/events"
method = "POST"
json = { model = "x", stream = true }
headers = { Authorization = "Bearer ${SSE_TOKEN}" }

[task.create]
path = "/tasks"
json = { steps = 5, deep = [{ key = "${SSE_TOKEN}" }] }
id = "/data/0/id"

[task.snapshot]
path = "/tasks/{task_id}"

[observe]
open_streams = { path = "/metrics.json", value = "/open_streams" }
pid = 4711

[limits]
connect_s = 2
concurrent = 100

[tls]
verify = false
"""
TOKEN = {"SSE_TOKEN": "s3cret"}


def error(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(CannotJudge) as caught:
        from_toml(text, "t.toml", environ or {})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_smallest_file_has_the_tickets_limits_and_no_hooks() -> None:
    target = from_toml(SMALLEST)

    assert target == Target("http://127.0.0.1:8205/", Call("/progress/{task_id}", "GET"))
    assert target.profile == "task-progress"
    assert target.limits == Limits(1.0, 2.0, 0.05, 50, 15.0)
    assert target.needs_task
    assert target.task.create is None


def test_every_table_and_key_is_read() -> None:
    target = from_toml(WHOLE, environ=TOKEN)

    assert target.stream == Call("/events", "POST", {"model": "x", "stream": True}, {"Authorization": "Bearer s3cret"})
    assert target.task.create == Create("/tasks", "POST", {"steps": 5, "deep": [{"key": "s3cret"}]}, id="/data/0/id")
    assert target.task.snapshot == Call("/tasks/{task_id}", "GET")
    assert target.observe == Observe(Metric("/metrics.json", "/open_streams"), 4711)
    assert (target.limits.connect_s, target.limits.concurrent, target.limits.update_s) == (2, 100, 2.0)
    assert (target.profile, target.origin, target.headers) == ("event-stream", "https://app.example", {"X-Tenant": "7"})
    assert target.tls.verify is False
    assert not target.needs_task


def test_variables_are_secrets_and_are_not_shown() -> None:
    target = from_toml(WHOLE, environ=TOKEN)

    assert target.secrets == {"s3cret", "Bearer s3cret"}
    assert "secrets" not in repr(target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.toml:1: base_url is missing; add it"),
        ('base_url = "http://x"\n', "t.toml:1: stream is missing; add it"),
        ('base_url = "http://x"\n[stream]\n', "t.toml:2: stream.path is missing; add it"),
        ("base_url = \n", "t.toml: not valid TOML: Invalid value (at line 1, column 12)"),
        (SMALLEST + "pth = 1\n", "t.toml:5: unknown key 'pth'; did you mean 'path'?"),
        (
            SMALLEST + "[limits]\nconnect = 1\n",
            "t.toml:6: unknown key 'connect'; did you mean 'connect_s'?",
        ),
        (
            SMALLEST + "[limits]\nzzz = 1\n",
            "t.toml:6: unknown key 'zzz'; valid here: connect_s, update_s, degradation, concurrent, heartbeat_s",
        ),
        (SMALLEST + "[tasks.create]\npath = '/x'\n", "t.toml:5: unknown key 'tasks'; did you mean 'task'?"),
        (SMALLEST + "[task.creat]\npath = '/x'\n", "t.toml:5: unknown key 'creat'; did you mean 'create'?"),
        (SMALLEST + "[task.create]\njson = {}\n", "t.toml:5: task.create.path is missing; add it"),
        ("secrets = []\n" + SMALLEST, "t.toml:1: unknown key 'secrets'; did you mean "),
        ("stream = 5\n" + 'base_url = "http://x"\n', "t.toml:1: stream must be a table, not 5"),
        (SMALLEST + "method = 5\n", "t.toml:5: stream.method = 5 is not a string"),
        (SMALLEST + "headers = 'x'\n", "t.toml:5: stream.headers = 'x' is not a table of strings"),
        (SMALLEST + "headers = { A = 1 }\n", "t.toml:5: stream.headers = {'A': 1} is not a table of strings"),
        (SMALLEST + "[limits]\nconnect_s = '1'\n", "t.toml:6: limits.connect_s = '1' is not a number"),
        (SMALLEST + "[limits]\nconnect_s = true\n", "t.toml:6: limits.connect_s = True is not a number"),
        (SMALLEST + "[limits]\nupdate_s = -1.5\n", "t.toml:6: limits.update_s = -1.5 is not a number"),
        (SMALLEST + "[limits]\nconcurrent = 2.5\n", "t.toml:6: limits.concurrent = 2.5 is not a whole number"),
        (SMALLEST + "[observe]\npid = 'x'\n", "t.toml:6: observe.pid = 'x' is not a whole number"),
        (SMALLEST + "[tls]\nverify = 1\n", "t.toml:6: tls.verify = 1 is not true or false"),
        ("profile = 'x'\n" + SMALLEST, "t.toml:1: profile = 'x' is none of task-progress, event-stream"),
        (SMALLEST + "[stream.headers]\nA = '${NONE}'\n", "t.toml:6: environment variable NONE is not set; set it, or "),
        (
            SMALLEST.replace("http://127.0.0.1:8205/", "127.0.0.1:8205"),
            "t.toml:2: base_url: '127.0.0.1:8205' is not an http:// or https:// address",
        ),
        (SMALLEST.replace(":8205", ":99999"), "t.toml:2: base_url: 'http://127.0.0.1:99999/' is not an http:// "),
        (SMALLEST.replace("http://127.0.0.1:8205/", "http://[::1"), "t.toml:2: base_url: 'http://[::1' is not an "),
        (SMALLEST.replace("http://127.0.0.1:8205/", "http://"), "t.toml:2: base_url: 'http://' is not an http:// or "),
    ],
)
def test_a_mistake_is_named_with_its_line_and_a_remedy(text: str, message: str) -> None:
    assert error(text).startswith(message)


@pytest.mark.parametrize("value", ["s3cret\n", "s3\rcret", "s3cret\0", "s3cret\udcff"])
def test_a_variable_that_no_header_can_carry_is_refused_unseen(value: str) -> None:
    told = error(SMALLEST + "headers = { A = 'Bearer ${KEY}' }\n", {"KEY": value})

    assert told == "t.toml:5: environment variable KEY holds a line break or the like; set it to visible text alone"


@pytest.mark.parametrize("value", ["s3cret", "http://s3cret:x/", "http://[s3cret"])
def test_an_address_from_the_environment_is_not_shown(value: str) -> None:
    told = error(SMALLEST.replace("http://127.0.0.1:8205/", "${BASE}"), {"BASE": value})

    assert told == "t.toml:2: base_url: '${BASE}' is not an http:// or https:// address"


@pytest.mark.parametrize("address", ["http://me:s3cret@x", "http://s3cret@x/?", "https://me:s3cret@[::1", "//s3cret@x"])
def test_credentials_in_an_address_are_refused_unseen(address: str) -> None:
    told = error(SMALLEST.replace("http://127.0.0.1:8205/", address))

    assert told.startswith("t.toml:2: base_url: credentials in an address end up in logs")
    assert 'use headers = { Authorization = "${NAME}" } in a target file' in told
    assert "s3cret" not in told


def test_credentials_in_a_url_are_refused_unseen() -> None:
    with pytest.raises(CannotJudge, match="the URL: credentials in an address") as caught:
        load_target("http://me:s3cret@example.org/events")

    assert "s3cret" not in str(caught.value)
    assert load_target("http://example.org/@me?to=a//b@c").stream.path == "/@me?to=a//b@c"


def test_credentials_in_a_query_are_secrets() -> None:
    hook = SMALLEST + "[task.snapshot]\npath = '/x?page=2&api_key=k%2Fey'\n[existing]\npath = '/?Token={task_id}'\n"

    assert load_target("http://x/e?access_token=abc&b=c").secrets == {"abc"}
    assert from_toml(hook).secrets == {"k%2Fey", "k/ey"}


def test_the_line_is_that_of_the_keys_own_table() -> None:
    text = SMALLEST + '[task.create]\npath = "/a"\n\n[task.update]\npath = "/b"\nmethod = 7\n'

    assert error(text) == "t.toml:10: task.update.method = 7 is not a string"


def test_a_variable_inside_json_is_named_with_its_line() -> None:
    text = SMALLEST + '[task.create]\npath = "/a"\njson = { a = [{ b = "${GONE}" }] }\n'

    assert error(text, TOKEN).startswith("t.toml:7: environment variable GONE is not set")


@pytest.mark.parametrize(
    ("url", "base", "path"),
    [
        ("http://localhost:3000/events", "http://localhost:3000", "/events"),
        ("https://example.org", "https://example.org", "/"),
        ("HTTP://example.org/a?b=c&d", "http://example.org", "/a?b=c&d"),
        ("http://[::1]:80/x", "http://[::1]:80", "/x"),
    ],
)
def test_a_url_is_an_event_stream_without_hooks(url: str, base: str, path: str) -> None:
    assert load_target(url) == Target(base, Call(path, "GET"), "event-stream")


@pytest.mark.parametrize("url", ["ftp://example.org/x", "http://", "http://x:y/", "http://x:0/", "http://[::1/"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(CannotJudge, match="is not an http:// or https:// address"):
        load_target(url)


def test_a_file_is_read_and_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST, encoding="utf-8")

    assert load_target(str(path)) == from_toml(SMALLEST)
    path.write_text(SMALLEST + "pth = 1\n", encoding="utf-8")
    with pytest.raises(CannotJudge, match=r"mine\.toml:5: unknown key 'pth'"):
        load_target(str(path))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="no such file; give a URL with http:// or https://"):
        load_target(str(tmp_path / "none.toml"))
    with pytest.raises(CannotJudge, match="cannot be read"):
        load_target(str(tmp_path))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CannotJudge, match="cannot be read"):
        load_target(str(tmp_path / "binary.toml"))


def test_urls_are_joined_with_one_slash_and_filled_in() -> None:
    target = from_toml(SMALLEST)

    assert target.url("/progress/{task_id}", task_id="a b") == "http://127.0.0.1:8205/progress/a b"
    assert target.url("x") == "http://127.0.0.1:8205/x"


def test_a_task_is_needed_also_where_the_body_names_it() -> None:
    text = 'base_url = "http://x"\n[stream]\npath = "/events"\njson = { task = "{task_id}" }\n'

    assert from_toml(text).needs_task


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", {"a/b": [{"~": 1}]}), ("/a~1b/0/~0", 1), ("/a~1b/0", {"~": 1})],
)
def test_a_pointer_finds_its_value(path: str, expected: object) -> None:
    assert pointer({"a/b": [{"~": 1}]}, path) == expected


@pytest.mark.parametrize("path", ["/x", "/a~1b/1", "/a~1b/x", "/a~1b/0/~0/deep"])
def test_a_pointer_to_nothing_is_a_lookup_error(path: str) -> None:
    with pytest.raises(LookupError, match="no value at"):
        pointer({"a/b": [{"~": 1}]}, path)
