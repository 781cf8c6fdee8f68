"""Events by type and stage: counted, bounded, and the same numbers whatever process they came from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ssegauge.loadtests.measuring.event_types import LONGEST, MOST, OTHER, EventTypes, Label, Merged, counted, label_of
from ssegauge.loadtests.measuring.samples import UPDATE, Rows, matrix


def progress(stage: object, **more: object) -> str:
    return json.dumps({"type": "progress", "taskId": "t", "progress": {"status": "running", "stage": stage, **more}})


@pytest.mark.parametrize(
    ("kind", "data", "label"),
    [
        ("message", '{"type": "tick"}', Label("tick")),
        ("message", "plain", Label("message")),
        ("message", '{"type": 5}', Label("message")),
        ("price", '{"type": "tick"}', Label("price")),
        ("message", progress("Crawl"), Label("progress", "Crawl")),
        ("message", progress('a "b"', message='{"stage": "no"}'), Label("progress", 'a "b"')),
        ("message", progress("Crawl", message='say "stage": "no"'), Label("progress", "Crawl")),
        ("message", progress(7), Label("progress")),
        ("message", '{"type": "x", "stage": ' + "[" * 5000, Label("x")),
    ],
)
def test_an_event_has_the_label_that_it_gives_itself(kind: str, data: str, label: Label) -> None:
    assert label_of(kind, data, staged=True) == label
    assert label_of(kind, data, staged=False) == Label(label.type)


def test_events_and_bytes_are_counted() -> None:
    types = EventTypes()
    assert types.note("a", "12") == types.note("a", "é") != types.note("b", "")
    assert counted([types.plain()]) == {Label("a"): (2, 4), Label("b"): (1, 0)}
    assert types.total == 3


def test_a_server_that_makes_up_types_fills_no_memory() -> None:
    types = EventTypes()
    codes = {types.note(f"{number}{'x' * 1000}", "") for number in range(10 * MOST)}
    assert len(types.labels) == len(types.plain()) == MOST
    assert OTHER in codes
    assert types.total == 10 * MOST
    assert all(len(label.type) <= LONGEST for label in types.labels)


def test_a_label_has_no_secret_and_is_text_that_a_file_can_hold() -> None:
    types = EventTypes(lambda text: text.replace("hush", "REDACTED"))
    types.note("hush", "")
    types.note("message", '{"type": "\\ud800"}')
    assert [label.type for label in types.labels[2:]] == ["REDACTED", "?"]


def test_processes_that_number_labels_differently_are_merged_by_name() -> None:
    merged = Merged()
    for node, kinds in (("one", "ab"), ("two", "cba")):
        types, rows = EventTypes(), Rows()
        for kind in kinds:
            rows.add(UPDATE, 1, 1, 1.0, -1, types.note(kind, ""))
        rows.add(UPDATE, 1, 1, 1.0, -1)
        codes = merged.take(node, types.plain(), matrix(rows.take()))[:, -1].astype(int)
        assert [merged.labels[code].type for code in codes] == [*kinds, ""]
    assert counted([[["a", "", 1, 5], ["", "", 0, 0]], [["b", "s", 3, 1], ["a", "", 1, 5]]]) == {
        Label("b", "s"): (3, 1),
        Label("a"): (2, 10),
    }
    assert np.unique(codes).size == 4
