import pytest

from ssegauge.cli.words import spelled_out


@pytest.mark.parametrize(
    ("words", "spelled"),
    [
        (["check", "--target", "t.toml", "--json"], ["check", "--target", "t.toml", "--json"]),
        (["check", "--json", "t.toml"], ["check", "--json", "t.toml"]),
        (["check", "--json", "--quiet"], ["check", "--json", "--quiet"]),
        (["check", "x", "--json", '{"a": 1}'], ["check", "x", "--body", '{"a": 1}']),
        (["check", "x", "--json", " [1]", "--json"], ["check", "x", "--body", " [1]", "--json"]),
        (["check", "x", '--json={"a": 1}'], ["check", "x", "--body", '{"a": 1}']),
        (["check", "--json", "[::1]:3000/events"], ["check", "--json", "[::1]:3000/events"]),
        (["check", "--json", "[fe80::1]"], ["check", "--json", "[fe80::1]"]),
        ([], []),
    ],
)
def test_json_before_json_is_the_body(words: list[str], spelled: list[str]) -> None:
    assert spelled_out(words) == spelled
