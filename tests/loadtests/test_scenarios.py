"""Scenarios for what hurts, against servers that know what was done to them."""

from __future__ import annotations

import json
import select
import socket
import time
from pathlib import Path

import pandas as pd

from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import OPEN_HEAD, scripted


class Feed:
    """Tells every reader the same each 50 ms, in events of so many bytes, and notes how each left."""

    def __init__(self, size: int = 10) -> None:
        self.left: list[str] = []
        self._size = size

    def __call__(self, connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD)
        how, told = "", int(time.monotonic() / 0.05)
        while not how:
            for number in range(told + 1, (told := int(time.monotonic() / 0.05)) + 1):
                event = {"type": "tick", "n": number, "text": "x" * self._size}
                connection.sendall(b"data: " + json.dumps(event).encode() + b"\n\n")
            how = _how_left(connection)
        self.left.append(how)


def _how_left(connection: socket.socket) -> str:
    """Wait 50 ms; return how the reader has left meanwhile, an empty string when it is there."""
    readable, _, _ = select.select([connection], [], [], 0.05)
    if not readable:
        return ""
    try:
        return "fin" if connection.recv(1) == b"" else ""
    except ConnectionResetError:
        return "rst"


def test_churn_leaves_by_fin_and_by_rst_as_often_as_it_says(load: Load, folder: Path) -> None:
    feed = Feed()
    with scripted(feed) as url:
        document = load(f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}', scenario="churn", users=6, duration_s=5)
        told = document["connections"]["left"]
        give_up = time.monotonic() + 20
        while len(feed.left) < sum(told.values()) + 6 and time.monotonic() < give_up:
            time.sleep(0.05)
    assert told["rst"] >= 4
    assert told["fin"] >= 4
    # A reset that meets an event on its way is one for the server too; the last six are hung up when the run ends.
    assert feed.left.count("rst") >= told["rst"] - 1
    assert abs(feed.left.count("fin") - told["fin"] - 6) <= 1
    opened = pd.read_parquet(folder / "samples").query("kind == 'open' and value > 0")
    assert len(opened) == sum(told.values()) + 6
    found = document["connections"]
    assert (found["peak_open"], found["failed"], found["dropped"]) == (6, 0, 0)


def test_readers_who_sleep_are_not_measured_and_the_others_are(load: Load, folder: Path) -> None:
    """Big events fill what the kernel keeps for the two of ten who do not read; nobody is accused of what they miss."""
    with scripted(Feed(20_000)) as url:
        document = load(f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}', scenario="slow", users=10, duration_s=3)
    assert document["connections"]["peak_open"] == 10
    assert document["connections"]["dropped"] == 0
    gaps = pd.read_parquet(folder / "samples").query("kind == 'gap'")
    counts = gaps.groupby("stream").size()
    assert (counts > 20).sum() == 8  # those who read have had an event each 50 ms
    assert [one["rule"] for one in document["objectives"] if one["verdict"] == "fail"] == []
    assert document["witnesses"]["streams"] == 8
