"""What a run did over time, in every output: shape, herd, events by type, what came each second, errors, streams."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ssegauge import reports
from ssegauge.reports import course, schema, strain, summarize
from ssegauge.reports.figures import compute
from ssegauge.reports.frames import Samples
from ssegauge.reports.render.text import load_table
from tests.reports import factory

SLOWED = factory.objective("back-after-cut", 0, 17, "streams", statistic="not back, in the worst wave", samples=48,
                           verdict="fail")  # fmt: skip
TOLD = {"refusals": 12, "longest_s": 90.0, "shortened": 2}


def load() -> dict[str, Any]:
    plain = factory.load_document()
    connections = plain["connections"] | {"told_to_wait": TOLD}
    more = {"herd": factory.HERD, "shape": factory.SHAPE, "connections": connections}
    return plain | more | {"verdict": "fail", "objectives": [*plain["objectives"], SLOWED]}


def part(kind: str, at_ms: Any, values: Any) -> pd.DataFrame:
    return pd.DataFrame({"at_ms": at_ms, "kind": kind, "stream": 1, "value": values, "delay_ms": np.nan, "phase": ""})


def samples() -> pd.DataFrame:
    """Return a ramp to 50 streams, 40 events of 100 bytes each second as two reports told, and three failures."""
    at_ms = np.arange(500, 30_500, 500)
    opened = np.linspace(0, 20_000, 50)
    updates = np.linspace(100, 29_900, 3000)
    return pd.concat(
        [
            part("open", opened, 1.0),
            part("open", np.full(50, 30_000), -1.0),
            part("connect", opened, 5.0),
            part("update", updates, 1 + updates / 1000),
            part("events", at_ms, 20.0),
            part("bytes", at_ms, 2000.0),
            part("failed", [12_100.0], [3.0]),
        ]
    )


def test_the_documents_of_the_tests_are_what_runs_write() -> None:
    schema.validate("load", load())


def test_the_terminal_tells_a_shape_a_herd_and_the_types() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(load_table(load()))
    told = " ".join(console.export_text().split())
    for words in (
        "progress · Crawl 1,800 270 kB 2.1 ms 4 ms 5.7 ms 9 ms 1,800",
        "connected 100 9 kB – – – – –",
        "0s:0 10s:50 20s:50 20s:20 30s:20; at worst 49 of 50 open, 12.3 s into it",
        "48 streams: half after 2.07 s, all back after 2.19 s, 12 attempts refused, worst connect 192 ms",
        "48 streams: half after 2.4 s, 31 came back, 90 attempts refused",
        "Of 79 returns: 4,000 events were told while they were away, 5 never reached them.",
        "12 refusals named a time to stay away, up to 90 s; 2 of them longer than the minute that is kept to",
        "1,907 events, 279 kB; 66.7 events/s and 9.76 kB/s on average, at most 104 events/s and 15.2 kB/s",
    ):
        assert words in told


def test_times_by_type_say_from_when_they_count_where_streams_answer_requests() -> None:
    assert course.type_heading(load() | {"requests": {"asked": 1}}) == "type of event, by its first in an answer"
    assert course.type_heading(load()) == "type of event"


def test_one_type_of_events_needs_no_table() -> None:
    assert course.type_rows(load() | {"types": factory.TYPES[:1]}) == []
    assert course.type_rows(load() | {"types": None}) == []


def test_the_page_and_the_summary_have_them_too(tmp_path: Path) -> None:
    built = reports.build(factory.write_run(tmp_path / "run", load=load(), samples=samples()))
    page, summary = built.html.read_text("utf-8"), built.markdown.read_text("utf-8")
    for words in ("Events by type", "Herd: all cut at once", "progress · Crawl", "cut 2", "9.8 kB"):
        assert words in page
    for name in ("streams", "open", "herd", "events", "bytes", "errors"):
        assert f'id="figure-{name}"' in page
    assert "After a cut 17 of 48 streams did not come back." in page
    assert "progress · Crawl" in summary
    assert len(page.encode()) < 1_500_000


def figures(frame: pd.DataFrame, document: dict[str, Any] | None) -> dict[str, Any]:
    return {chart.name: json.loads(chart.json) for chart in strain.drawn(frame, document)}


def test_counts_are_spread_over_the_time_that_they_are_of() -> None:
    frame = samples()
    found = summarize.per_second(frame[frame["kind"] == "events"])
    assert np.allclose(found["per_s"], 40)
    uneven = part("events", [400, 1600, 2500, 4000], [16, 48, 36, 60])
    assert np.allclose(summarize.per_second(uneven)["per_s"], 40)
    # What is reported after the last stream's end had come before.
    late = part("events", [1000, 2000, 3000, 20_000], [40, 40, 40, 40])
    assert summarize.per_second(late, until_s=4.0)["per_s"].max() == 40
    assert len(summarize.per_second(part("events", [700], [5]))) <= 1


def test_errors_are_counted_by_the_second_in_which_they_were() -> None:
    at_s, failed = figures(samples(), None)["errors"]["tables"][0]
    assert failed[at_s.index(12)] == 3
    assert sum(failed) == 3


def test_latency_stands_against_the_streams_that_were_open() -> None:
    streams, p50, *_ = figures(samples(), load())["streams"]["tables"][0]
    assert streams[-1] == 50
    assert p50 == sorted(p50)
    held = samples().query("kind != 'open'")
    steady = pd.concat([held, part("open", np.zeros(50), 1.0), part("open", np.full(50, 30_000), -1.0)])
    assert "streams" not in figures(steady, load())  # where all are open all the time there is nothing to see


def test_a_search_of_the_limit_shows_each_of_its_runs() -> None:
    probes = [
        {"streams": 50, "verdict": "pass", "kind": "update", "p50": 1.0, "p95": 2.0, "p99": 3.0},
        {"streams": 100, "verdict": "fail", "kind": "update", "p50": 5.0, "p95": 6.0, "p99": 7.0},
    ]
    assert figures(samples(), load() | {"probes": probes})["streams"]["tables"] == [[[50, 100], [1, 5], [2, 6], [3, 7]]]


HEADINGS = {
    "server": "The server took at most 61.5 % of a core, 80 MiB of memory at first and 96.5 at last",
    "speed": "Half of the answers came at 40 tokens a second or faster, one in twenty at 22 or slower",
    "concurrency": "Request to first token, p95: 100 ms at 1, 300 ms at 3 requests under way",
}


def test_the_title_of_a_chart_says_what_it_shows() -> None:
    parts = [
        *(part("server_cpu", [0, 1000, 2000], [10, 61.5, 30]), part("server_memory", [0, 1000, 2000], [80, 120, 96.5])),
        part("token_rate", [1000] * 3, [20, 40, 60]),
        *(part("connect", [10, 20, 30], 5.0), part("duration", [900, 900, 900], 800.0)),
        part("first_token", [105, 215, 325], [100, 200, 300]),
    ]
    made = compute(Samples(pd.concat(parts).assign(phase=""), 1, ()), None)
    assert {chart.name: chart.heading for chart in made.charts if chart.name in HEADINGS} == HEADINGS


def test_a_step_of_a_shape_is_drawn_as_one() -> None:
    found = summarize.wanted(factory.SHAPE)
    assert found["at_s"].is_monotonic_increasing
    assert found["at_s"].is_unique
    assert found["wanted"].tolist() == [0, 50, 50, 20, 20]


@pytest.mark.parametrize("herd", [None, {"waves": []}])
def test_where_there_is_nothing_nothing_is_drawn(herd: dict[str, Any] | None) -> None:
    empty = part("connect", [1.0], [1.0])
    assert figures(empty, load() | {"herd": herd, "probes": None}) == {}
    assert list(course.facts({"connections": {}})) == []


def test_where_no_event_was_timed_there_are_no_columns_of_dashes() -> None:
    untimed = load() | {"types": [one | {"latency_ms": None} for one in factory.TYPES]}
    assert course.type_columns(untimed) == ("events", "bytes")
    assert course.type_rows(untimed)[0] == ("progress · Crawl", "1,800", "270 kB")
