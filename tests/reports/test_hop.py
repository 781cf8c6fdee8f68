"""What a hop adds to times is told in milliseconds, with an interval; and what fails a comparison of hops."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ssegauge.reports import hop
from ssegauge.reports.cli import run_of
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.render.hop import cells, headline, html, markdown
from tests.reports import factory


def answers(seed: int, added_ms: float = 0.0, count: int = 600) -> pd.DataFrame:
    """First tokens of some 200 ms and gaps of some 20 ms; a hop adds to the first token alone."""
    rng = np.random.default_rng(seed)
    first = pd.DataFrame({"kind": "first_token", "value": rng.normal(200, 10, count) + added_ms})
    gaps = pd.DataFrame({"kind": "token_gap", "value": rng.normal(20, 0.2, count)})
    frame = pd.concat([first, gaps])
    return frame.assign(at_ms=np.tile(np.arange(count) * 10.0, 2), stream=0, delay_ms=np.nan, phase="")


def load_of(**requests: Any) -> dict[str, Any]:
    counts = {"asked": 400, "cut": 0, "failed": 0, "unfinished": 0, "reasons": {}}
    tokens = {"pieces": 8000, "read_together": 0}
    return factory.load_document(requests={**counts, "tokens": tokens, **requests})


def between(folder: Path, added_ms: float = 5.0, *, told: tuple[Any, ...] = (), **requests: Any) -> hop.Hop:
    """Compare two runs; the documents of requests hold what is read of them alone, so no schema is asked."""
    direct = factory.write_run(folder / "direct", samples=answers(1), conformance=None, load=None)
    through = factory.write_run(folder / "through", samples=answers(2, added_ms), conformance=None, load=None)
    runs = []
    for path, load in ((direct, load_of()), (through, load_of(**requests))):
        documents, frame = run_of(path)
        runs.append((type(documents)(path, documents.run, None, load), frame))
    return hop.between(runs[0], runs[1], told, checked=True)


def test_what_is_added_is_told_in_milliseconds_with_its_interval(tmp_path: Path) -> None:
    found = between(tmp_path)
    rows = {(one.kind, one.quantile): one for one in found.added}
    first = rows["first_token", "p50"]
    assert first.verdict == "adds"
    assert first.interval is not None
    assert first.interval[0] < 5 < first.interval[1]
    assert first.added == pytest.approx(5, abs=1.5)
    assert rows["token_gap", "p99"].verdict == "nothing"
    assert found.verdict == "pass"
    assert "ms to the first token (median)" in headline(found)
    assert "takes" in {one.verdict for one in hop._added(answers(2, 5.0), answers(1), "")}


def test_too_few_samples_tell_nothing() -> None:
    nothing = {(one.quantile, one.verdict) for one in hop._added(answers(1, count=10), answers(2, count=10), "")}
    assert nothing == {("p50", "cannot_tell"), ("p95", "cannot_tell"), ("p99", "cannot_tell")}


TOLD = {
    "answers that do not finish": (
        {"cut": 40, "reasons": {"ended without its end marker": 40}},
        ("damaged", "answers under load"),
    ),
    "tokens that come together": ({"tokens": {"pieces": 8000, "read_together": 6400}}, ("held", "tokens under load")),
}


@pytest.mark.parametrize(("requests", "kind"), TOLD.values(), ids=TOLD)
def test_what_many_answers_show_fails_it(requests: dict[str, Any], kind: tuple[str, str], tmp_path: Path) -> None:
    found = between(tmp_path, **requests)
    assert [(one["kind"], one["what"]) for one in found.told] == [kind]
    assert found.verdict == "fail"
    assert kind[1] in markdown(found)


GATES = {
    "first_token_p50 adds 20ms": "pass",
    "first_token_p50 adds 1ms": "fail",
    "first_token_p50 adds 0.005s": "could_not_judge",
    "duration_p50 adds 1s": "could_not_judge",
}


def test_a_gate_says_how_much_may_be_added(tmp_path: Path) -> None:
    found = between(tmp_path)
    assert {text: hop.gate(text).judge(found) for text in GATES} == GATES


@pytest.mark.parametrize("text", ["first_token_p50 worse 10%", "nothing_p50 adds 1ms", ""])
def test_a_gate_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(BadRunFolder, match=r"write NAME_p99 adds 20ms"):
        hop.gate(text)


def test_rules_that_break_through_it_alone_are_named(tmp_path: Path) -> None:
    passing = [one | {"verdict": "pass", "observations": 1} for one in factory.RESULTS]
    good = factory.write_run(tmp_path / "good", load=None, conformance=factory.conformance_document(passing))
    bad = factory.write_run(tmp_path / "bad", load=None)
    found = hop.between(run_of(good), run_of(bad), (), checked=True)
    assert [(one["kind"], one["what"]) for one in found.told] == [("damaged", "rules"), ("changed", "rules")]
    assert "wire/invalid-utf8" in found.told[0]["summary"]
    assert json.loads(json.dumps(hop.document(found)))["verdict"] == "fail"


def test_the_page_shows_what_is_added_and_what_a_server_says_is_no_markup(tmp_path: Path) -> None:
    told = {"kind": "damaged", "what": "text", "summary": "<img src=x> \x1b[1m", "mend": "<b>", "streams": 2, "of": 3}
    found = between(tmp_path, told=(told,))
    page = html(found)
    assert all(cell in page for one in found.added for cell in cells(one))
    assert "<h1>The hop damages streams: text.</h1>" in page
    assert "(2 of 3 streams)" in page
    assert "&lt;img src=x&gt; ␛[1m" in page
    assert not any(markup in page for markup in ("<img", "<script", "http:", "https:"))
