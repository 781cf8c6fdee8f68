"""Our figures as multiples of others', from the newest run that `make bench` has kept.

python -m tests.benchmarks.ratios FOLDER
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

US = "us CPU per event"


def main(folder: Path) -> None:
    newest = max(folder.rglob("*.json"), key=lambda path: path.stat().st_mtime)
    run = json.loads(newest.read_text())
    machine, commit = run["machine_info"], run["commit_info"]
    changed = " and what was not committed" if commit.get("dirty") else ""
    print(f"{newest}: {machine['cpu'].get('brand_raw', machine['machine'])}, commit {str(commit['id'])[:12]}{changed}")
    print("\n".join([*decoders(run["benchmarks"]), *clients(run["benchmarks"])]))


def decoders(benchmarks: list[dict[str, Any]]) -> Iterator[str]:
    """Yield, for each workload, how many times the events of each other parser ours reads in a second."""
    readers = [one for one in benchmarks if "events/s" in one["extra_info"]]
    for workload in dict.fromkeys(one["group"] for one in readers):
        speed = {one["params"]["reader"]: one["extra_info"]["events/s"] for one in readers if one["group"] == workload}
        ours, *_ = speed
        others = ", ".join(f"{speed[ours] / rate:.1f} x {name}" for name, rate in speed.items() if name != ours)
        yield f"{workload}: {speed[ours]:,} events/s; {others}"


def clients(benchmarks: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what an event costs each client, and how many times what it costs us."""
    cost = {one["name"]: one["extra_info"][US] for one in benchmarks if "test_by_hand.py" in one["fullname"]}
    ours = cost.get("test_ssegauge")
    for name, microseconds in cost.items():
        yield f"{name}: {microseconds} us of CPU per event" + (f", {microseconds / ours:.1f} x ours" if ours else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
