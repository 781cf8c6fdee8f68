"""``{unique}``: another value in each request of a call."""

from pathlib import Path

from ssegauge.conformance.target import Call, each_its_own, fill, is_each_its_own, load_target

CALL = Call("/rpc", "POST", {"id": "{unique}"}, {"X-Session": "{session}"})


def test_no_two_requests_are_the_same() -> None:
    ids = {fill(CALL, each_its_own({"session": "s"})).json["id"] for _ in range(100)}
    assert len(ids) == 100
    assert all(one.isalnum() for one in ids)


def test_one_request_has_one_value_everywhere() -> None:
    filled = fill(Call("/{unique}", json={"id": "{unique}"}), each_its_own({}))
    assert filled.path == f"/{filled.json['id']}"


def test_calls_that_have_it_are_known() -> None:
    assert is_each_its_own(CALL)
    assert not is_each_its_own(Call("/rpc", "POST", {"id": 1}))


def test_a_target_file_may_have_it_without_keeping_it(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('base_url = "http://a"\nprofile = "event-stream"\n[stream]\npath = "/{unique}"\n')
    assert load_target(str(file)).stream.path == "/{unique}"


def test_a_prompt_is_one_and_the_same_where_nobody_makes_any_up() -> None:
    call = Call("/chat", "POST", {"text": "{prompt}"})
    first, second = (fill(call, each_its_own({})).json["text"] for _ in range(2))
    assert first == second != "{prompt}"
    assert fill(call, each_its_own({"prompt": "own"})).json == {"text": "own"}
