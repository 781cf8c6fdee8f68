"""Several runs a side, their history, and the forms of a comparison."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from ssegauge.reports import cli, compare, several
from ssegauge.reports.history import history
from ssegauge.reports.summarize import Values
from tests.reports import factory, hostile
from tests.reports.test_compare import fan_out


def side(seed: int, runs: int, median_ms: float = 50.0) -> list[pd.DataFrame]:
    """Return runs of one server, whose medians differ by chance from run to run."""
    return [pd.DataFrame({"at_ms": [0.0], "kind": "update", "value": one}) for one in medians(seed, runs, median_ms)]


def medians(seed: int, runs: int, median_ms: float = 50.0, spread: float = 0.04) -> Values:
    values: Values = median_ms * np.exp(np.random.default_rng(seed).normal(0, spread, runs))
    return values


def of_several(seed: int, median_ms: float) -> str:
    """Return the verdict on five runs a side, the head's of a server with this median."""
    base, head = medians(2 * seed, 5), medians(2 * seed + 1, 5, median_ms)
    change = float(np.median(head) - np.median(base))
    ends, chance = several.of_runs(base, head, np.random.default_rng(1))
    return several.judged(float(np.median(head) / np.median(base)), ends, chance, abs(change), 0.05)[0]


def of_a_pair(seed: int, median_ms: float) -> str:
    pair = fan_out(2 * seed, streams=1), fan_out(2 * seed + 1, median_ms, streams=1)
    return compare.compare_latencies(*pair)[0].verdict


SIMULATED = [(of_several, 200), (of_a_pair, 21)]


@pytest.mark.parametrize(("judge", "trials"), SIMULATED)
def test_runs_of_one_server_are_hardly_ever_called_different(judge: Callable[[int, float], str], trials: int) -> None:
    called = [judge(seed, 50.0) for seed in range(trials)]
    assert called.count("worse") + called.count("better") < 0.05 * trials


@pytest.mark.parametrize(("judge", "trials"), SIMULATED)
def test_a_fifth_slower_is_nearly_always_found(judge: Callable[[int, float], str], trials: int) -> None:
    assert [judge(seed, 60.0) for seed in range(trials)].count("worse") > 0.95 * trials


def test_the_rank_test_is_exact() -> None:
    rng = np.random.default_rng(1)
    low, high = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 6.0, 7.0, 8.0])
    assert several.rank_test(low, high, rng) == pytest.approx(2 / 70)  # both orders that are so far apart, of C(8, 4)
    assert several.rank_test(low, low, rng) == 1.0


def test_too_few_runs_tell_nothing() -> None:
    [found, _] = several.compare_sides(side(1, 3), side(2, 3, 500.0), tolerance=0.05)
    assert (found.verdict, found.note) == ("cannot_tell", "fewer than 4 runs a side")


def test_a_comparison_is_told_in_every_form_with_nothing_hidden_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = factory.write_run(tmp_path / "good", samples=factory.samples_frame(1))
    run = factory.run_document(target={"base_url": hostile.MARKUP, "profile": "task-progress"})
    slow = factory.write_run(tmp_path / "slow", samples=factory.samples_frame(2, slower=2), run=run)
    printed = {}
    for form in ("text", "md", "html", "json"):
        with pytest.raises(typer.Exit) as ended:
            cli.compare(good, slow, form=form)
        assert ended.value.exit_code == 1
        printed[form] = capsys.readouterr().out
    assert json.loads(printed["json"])["verdict"] == "fail"
    assert "<img" not in printed["html"] + printed["md"]
    assert all("update p50" in printed[form] for form in ("text", "md", "html"))


def test_a_history_marks_what_changed_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    for number in range(8):
        load = factory.load_document()
        load["latency_ms"]["update"]["p99"] = 5.8 + 0.05 * (number % 3) + (20 if number == 7 else 0)
        run = factory.run_document(started=f"2025-11-2{number}T00:00:00Z", commit=f"c{number}")
        factory.write_run(tmp_path / f"run{7 - number}", run=run, load=load)
    (tmp_path / "none").mkdir()
    found = history(tmp_path)
    assert [entry.commit for entry in found.entries] == [f"c{number}" for number in range(8)]
    assert [entry.changes for entry in found.entries[:7]] == [()] * 7
    assert found.entries[7].changes == ("update_p99 +342%",)
    assert "holds no run" in found.unread[0]


def test_a_history_tells_verdicts_of_like_runs_and_what_broke_under_load(tmp_path: Path) -> None:
    broken = factory.load_document(verdict="fail")
    broken["conformance"]["findings"] = [factory.result("wire/b", "fail") | {"streams": 1}]
    elsewhere = factory.run_document(target={"base_url": "http://other", "profile": "event-stream"})
    here = factory.run_document()
    for number, (run, load) in enumerate([(here, factory.load_document()), (elsewhere, broken), (here, broken)]):
        then = run | {"started": f"2025-11-2{number}T00:00:00Z"}
        factory.write_run(tmp_path / f"{number}", run=then, load=load, conformance=None)
    first, other, last = history(tmp_path).entries
    assert (first.changes, other.changes) == ((), ())
    assert (last.broken - first.broken, "1 rule broken, before 0" in " ".join(last.changes)) == (1, True)
