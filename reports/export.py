"""A run's frames as files for other tools: CSV that a spreadsheet opens safely, Parquet, and one JSON document.

A cell of CSV that a spreadsheet would take for a formula (OWASP, "CSV Injection": it begins with = + - @, a tab or a
carriage return) is told with an apostrophe before it; numbers stay numbers. Text has nothing hidden in it (`visible`).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ssegauge.reports.render.visible import visible
from ssegauge.reports.tables import Run

FRAMES = ("rules", "evidence", "objectives", "phases", "types", "waves", "samples")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv(run: Run, folder: Path) -> list[Path]:
    """Write each frame as FRAME.csv into a folder; return where they are."""
    return [_written(folder / f"{name}.csv", _csv(getattr(run, name))) for name in FRAMES]


def parquet(run: Run, folder: Path) -> list[Path]:
    """Write each frame as FRAME.parquet into a folder; return where they are."""
    return [_written(folder / f"{name}.parquet", _parquet(getattr(run, name))) for name in FRAMES]


def as_json(run: Run, folder: Path) -> list[Path]:
    """Write the run's documents as one, run.json, conformance.json and load.json by name."""
    documents = {"run": run.run, "conformance": run.conformance, "load": run.load}
    return [_written(folder / "report.json", (json.dumps(documents, indent=1) + "\n").encode())]


FORMS: dict[str, Callable[[Run, Path], list[Path]]] = {"csv": csv, "parquet": parquet, "json": as_json}


def _csv(frame: pd.DataFrame) -> bytes:
    safe = frame.assign(**{name: frame[name].map(_cell, na_action="ignore") for name in _texts(frame)})
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _texts(frame: pd.DataFrame) -> list[str]:
    """Return the columns of free text; categories are words of ours, but for a phase, which is a short one."""
    return [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name])]


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of any frame
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if value.startswith(FORMULA) else text


def _parquet(frame: pd.DataFrame) -> bytes:
    clean = frame.copy()
    for name in _texts(frame):  # a lone surrogate is legal JSON, and no UTF-8
        clean[name] = frame[name].map(lambda text: text.encode("utf-8", "replace").decode(), na_action="ignore")
    return clean.to_parquet(index=False)


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path
