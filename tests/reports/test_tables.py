"""A run as frames: dtypes and columns are those that are promised, and the examples of the documentation run."""

import re
from pathlib import Path

import pandas as pd
import pytest

from ssegauge import reports
from ssegauge.reports import tables
from tests.cli.command import ROOT
from tests.reports import factory

DOCUMENTED = (ROOT / "docs" / "analysis.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCUMENTED, re.MULTILINE | re.DOTALL)
FRAMES = {
    name: getattr(tables, name.upper()) for name in ("rules", "evidence", "objectives", "phases", "types", "waves")
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: a whole one, and a check without load."""
    place = tmp_path_factory.mktemp("place")
    (place / "runs").mkdir()
    load = factory.load_document(herd=factory.HERD)
    factory.write_run(place / "runs" / "mine", load=load, samples=factory.samples_frame(rate=20))
    factory.write_run(place / "runs" / "check", load=None)
    return place / "runs"


@pytest.mark.parametrize("name", ["mine", "check"])
def test_columns_and_dtypes_are_those_promised(name: str, runs: Path) -> None:
    run = reports.load(runs / name)
    for frame, dtypes in FRAMES.items():
        found: pd.DataFrame = getattr(run, frame)
        assert list(found.columns) == list(dtypes)
        assert found.dtypes.tolist() == [pd.Series(dtype=dtype).dtype for dtype in dtypes.values()]


def test_rows_are_those_of_the_documents(runs: Path) -> None:
    run = reports.load(runs / "mine")
    assert run.rules["rule"].tolist() == [one["rule"] for one in factory.RESULTS]
    assert len(run.evidence) == sum(len(one["evidence"]) for one in factory.RESULTS)
    assert run.objectives.set_index("rule").loc["performance/update-latency", ["low", "high"]].tolist() == [5.1, 6.9]
    assert run.phases["streams"].tolist() == [False, True, False, True]
    assert run.types[["type", "stage", "events", "samples"]].to_numpy().tolist()[0] == ["progress", "Crawl", 1800, 1800]
    assert run.waves["recover_s"].isna().tolist() == [False, True]
    assert run.samples[["type", "stage"]].isin([""]).all().all()  # a run of before these were kept
    assert len(run.samples) == len(factory.samples_frame(rate=20))
    assert sorted(run.rules["level"].dropna().unique()) == ["advice", "must", "should"]


def test_a_run_with_a_damaged_part_is_refused(tmp_path: Path) -> None:
    run = factory.write_run(tmp_path / "run", samples=factory.samples_frame(rate=20))
    (run / "samples" / "000000.parquet").write_bytes(b"PAR1")
    with pytest.raises(reports.BadRunFolder, match=r"000000\.parquet cannot be read"):
        reports.load(run)


@pytest.mark.parametrize("code", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_run(
    code: str, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs.parent)
    exec(compile(code, "docs/analysis.md", "exec"), {})
    told = capsys.readouterr().out
    assert re.search(r"wire/invalid-utf8|0\.99|mine: 5\.8 ms", told), told


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4
