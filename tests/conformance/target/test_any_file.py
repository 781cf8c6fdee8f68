"""Whatever stands in a target file, it is a target or one line about a mistake."""

import json
import tomllib
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.init.text import toml
from ssegauge.conformance.target import Target, from_plain, from_toml

CALL = ("path", "method", "json", "headers", "id", "keep")
TABLES = {
    "promises": ("ends", "shared", "resume", "first_event_s", "gap_s", "heartbeat_s", "vanished_s", "schema", "token"),
    "publish": CALL,
    "existing": CALL,
    "observe": ("open_streams", "pid"),
    "limits": ("connect_s", "update_s", "degradation", "concurrent", "heartbeat_s"),
    "tls": ("verify", "ca_file"),
}
WORDS = ("path", "value", "data", "event", "pointer", "in", "how", "X-Id", "run", "*", "A B")
TEXTS = st.sampled_from(
    [
        *(
            "http://x",
            "/events",
            "/{run}/{task_id}",
            "{marker}",
            "event-stream",
            "task-progress",
            "never",
            "close",
            "[DONE]",
        ),
        *("/id", "header:X-Id", "${SET}", "${NONE}", "", "a\r\nb", "\u2028", "x" * 300),
    ]
)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-1, 2**70), st.floats(allow_nan=False), st.text(max_size=5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(WORDS), inner, max_size=2)),
    max_leaves=4,
)


def table(keys: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, VALUES))


def call() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"path": TEXTS}, optional=dict.fromkeys(CALL[1:], VALUES))


FILES = st.fixed_dictionaries(
    {"base_url": st.one_of(st.just("http://x"), TEXTS), "stream": call()},
    optional={
        **{name: st.one_of(table(keys), VALUES) for name, keys in TABLES.items()},
        "before": st.one_of(st.lists(call(), max_size=2), VALUES),
        "task": st.dictionaries(st.sampled_from(["create", "update", "snapshot"]), call()),
        **dict.fromkeys(("profile", "headers", "origin"), VALUES),
    },
)
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@steady
@given(FILES)
def test_a_file_is_a_target_or_a_mistake(file: dict[str, Any]) -> None:
    said = read("\n".join(f"{key} = {toml(value)}" for key, value in file.items()))

    assert said is None or said.startswith("t.toml:"), said
    assert "\n" not in (said or "")
    assert "s3cret" not in (said or "")


def read(text: str) -> str | None:
    try:
        from_toml(text, "t.toml", {"SET": "s3cret"})
    except CannotJudge as mistake:
        return str(mistake)
    return None


JSON = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=10,
)


@steady
@given(JSON)
def test_json_survives_as_toml(value: Any) -> None:
    assert tomllib.loads(f"value = {toml(value)}")["value"] == value


def test_a_plain_target_forgets_what_this_version_does_not_know() -> None:
    plain = json.loads('{"base_url": "http://x", "stream": {"path": "/", "later": 1}, "later": 2}')

    assert from_plain(Target, plain).stream.path == "/"
