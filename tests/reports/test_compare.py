"""Comparisons call what differs, and only that."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from ssegauge.reports import cli, compare
from tests.reports import factory


def ratios(base: pd.DataFrame, head: pd.DataFrame) -> dict[tuple[str, str], compare.Ratio]:
    return {(one.kind, one.quantile): one for one in compare.compare_latencies(base, head)}


def fan_out(seed: int, median_ms: float = 50, updates: int = 300, streams: int = 50) -> pd.DataFrame:
    """Latencies as in a fan-out: every update has a delay of its own that all its readers share."""
    rng = np.random.default_rng(seed)
    shared = rng.lognormal(np.log(median_ms), 0.3, updates)
    value = np.repeat(shared, streams) + rng.uniform(0, 1, updates * streams)
    at_ms = np.repeat(np.arange(updates) * 100.0, streams)
    return pd.DataFrame({"at_ms": at_ms, "kind": "update", "value": value})


def test_a_slower_run_is_called_slower_with_an_interval_round_its_ratio() -> None:
    found = ratios(fan_out(1), fan_out(2, median_ms=100))["update", "p50"]
    assert found.verdict == "worse"
    assert found.interval is not None
    assert found.interval[0] < 2 < found.interval[1]
    assert found.base_samples == found.head_samples == 15_000


def test_the_same_two_runs_the_other_way_round_are_faster() -> None:
    assert ratios(fan_out(2, median_ms=100), fan_out(1))["update", "p50"].verdict == "better"


def test_samples_that_arrive_together_are_not_taken_for_independent() -> None:
    correlated = fan_out(3)
    shuffled = correlated.assign(value=correlated["value"].sample(frac=1, random_state=1).to_numpy())
    widths = []
    for samples in (correlated, shuffled):
        interval = ratios(samples, samples)["update", "p50"].interval
        assert interval is not None
        widths.append(interval[1] - interval[0])
    assert widths[0] > 3 * widths[1]


def first_told(waits_ms: list[float], readers: int = 20) -> pd.DataFrame:
    """Readers who come 10 ms apart, once for each wait, and are told their first event by one that comes so late."""
    rows = [
        (1000.0 * turn + 200 + wait + 0.01 * n, "first_event", 200 + wait - 10 * n)
        for turn, wait in enumerate(waits_ms)
        for n in range(readers)
    ]
    return pd.DataFrame(rows, columns=["at_ms", "kind", "value"])


def test_readers_who_wait_for_one_event_say_what_one_does() -> None:
    found = ratios(first_told([0.0]), first_told([90.0]))["first_event", "p50"]
    assert (found.verdict, found.note) == ("cannot_tell", "all waited for the same few events")
    greeted = pd.DataFrame({"at_ms": np.arange(20) * 10.0, "kind": "first_event", "value": 3.0})
    assert compare.apart(greeted, "first_event") == 20
    assert compare.apart(first_told([1.0, 5.0, 2.0]), "first_event") == 3
    assert ratios(greeted, greeted.assign(value=30.0))["first_event", "p50"].verdict == "worse"


def test_the_interval_is_that_of_drawing_whole_samples_when_they_are_independent() -> None:
    values = np.random.default_rng(5).lognormal(3, 0.5, 2000)
    drawn = compare.bootstrap(values, np.array([0.5]), np.random.default_rng(1))[:, 0]
    rng = np.random.default_rng(2)
    plain = np.median(rng.choice(values, (2000, values.size)), axis=1)
    assert np.std(drawn) == pytest.approx(np.std(plain), rel=0.25)


def test_many_values_are_resampled_on_levels_that_keep_the_tail() -> None:
    values = np.random.default_rng(5).lognormal(3, 1, 200_000)
    drawn = compare.bootstrap(values, np.array([0.5, 0.99]), np.random.default_rng(1))
    assert np.median(drawn, axis=0) == pytest.approx(np.quantile(values, [0.5, 0.99]), rel=0.005)


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert ratios(fan_out(1), fan_out(2)) == ratios(fan_out(1), fan_out(2))


def test_a_tail_of_few_samples_is_not_judged() -> None:
    found = ratios(factory.samples_frame(1), factory.samples_frame(2, slower=3))
    assert found["connect", "p50"].verdict == "worse"
    assert found["connect", "p99"].verdict == "cannot_tell"
    assert found["connect", "p99"].interval is None


def test_a_change_below_the_resolution_is_no_regression() -> None:
    found = ratios(fan_out(1, median_ms=0.2), fan_out(1, median_ms=0.5))["update", "p50"]
    assert found.ratio > 1.2
    assert (found.verdict, found.note) == ("same", "differs < 1 ms")


CHANGES = {
    "broken": ("pass", "fail", True),
    "broken, not seen before": ("not_observed", "fail", True),
    "mended": ("fail", "pass", False),
    "a rule the base run does not know": (None, "fail", False),
    "could be judged, can no more": ("pass", "could_not_judge", True),
    "a warning": ("pass", "warning", False),
    "could not be judged before": ("could_not_judge", "fail", False),
}


@pytest.mark.parametrize(("base", "head", "worse"), CHANGES.values(), ids=CHANGES)
def test_a_change_for_the_worse_is_one_that_breaks(base: str | None, head: str, worse: bool) -> None:
    before = {} if base is None else {"wire/x": base}
    [change] = compare.compare_states(before, {"wire/x": head})
    assert change.is_worse is worse


def test_equal_states_are_no_change() -> None:
    assert compare.compare_states({"wire/x": "pass"}, {"wire/x": "pass"}) == ()


def exit_status(base: Path, head: Path, *, as_json: bool = False) -> int:
    with pytest.raises(typer.Exit) as stopped:
        cli.compare(base, head, as_json=as_json)
    return stopped.value.exit_code


def test_the_exit_status_follows_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = factory.write_run(tmp_path / "good", samples=factory.samples_frame(1))
    slow = factory.write_run(tmp_path / "slow", samples=factory.samples_frame(2, slower=2))
    assert exit_status(good, good) == 0
    assert exit_status(good, slow) == 1
    printed = capsys.readouterr().out
    assert "worse" in printed
    assert all(len(line.rstrip()) <= 80 for line in printed.splitlines())


def test_latencies_of_a_saturated_generator_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = factory.load_document()["generator"] | {"saturated": True}
    good = factory.write_run(tmp_path / "good", samples=factory.samples_frame(1))
    load = factory.load_document(generator=generator)
    saturated = factory.write_run(tmp_path / "saturated", samples=factory.samples_frame(2, slower=3), load=load)
    assert exit_status(good, saturated) == 2
    assert "The generator of the head run was the limit" in capsys.readouterr().out


def test_runs_with_nothing_in_common_cannot_be_compared(tmp_path: Path) -> None:
    checked = factory.write_run(tmp_path / "checked", load=None)
    loaded = factory.write_run(tmp_path / "loaded", conformance=None)
    assert exit_status(checked, loaded) == 2


def test_two_checks_without_load_are_compared_by_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passing = [one | {"verdict": "pass", "observations": 1} for one in factory.RESULTS]
    good = factory.write_run(tmp_path / "good", load=None, conformance=factory.conformance_document(passing))
    bad = factory.write_run(tmp_path / "bad", load=None)
    assert exit_status(good, good) == 0
    assert exit_status(good, bad) == 1
    assert "✗ wire/invalid-utf8: passed -> failed" in capsys.readouterr().out
