"""The tables of docs/decoder.md that follow from the corpus. `python -m tests.sse.tables` writes them anew.

With the file of a benchmark run, `python -m tests.sse.tables FILE` prints the table of events per second.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sse.corpus import WHATWG, Case
from tests.sse.peers import PEERS, Reader, events_while_open, reading
from tests.sse.sentences import ELSEWHERE, INTERPRETING, PARSING
from tests.sse.wpt import NOT_PARSING, WPT

DOCUMENT = Path(__file__).parents[2] / "docs" / "decoder.md"
BLOCK = re.compile(r"(?<=<!-- table: )([\w-]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
CR_STREAM = b"data: x\r\r"


def rows(*cells: tuple[str, ...]) -> str:
    header, *body = cells
    lines = [header, ("---",) * len(header), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def text(value: str) -> str:
    return value.replace("|", "\\|").replace("<", "&lt;")


def sentences() -> str:
    anchors = {"parsing-an-event-stream": PARSING, "event-stream-interpretation": INTERPRETING}
    return rows(
        ("anchor", "sentence", "cases"),
        *(
            (f"`#{anchor}`", text(sentence), "; ".join(text(case.name) for case in WHATWG if key in case.cites))
            for anchor, group in anchors.items()
            for key, sentence in group.items()
        ),
    )


def elsewhere() -> str:
    return rows(("sentence", "why no stream shows it"), *((text(key), why) for key, why in ELSEWHERE.items()))


def wpt_files() -> str:
    files = sorted({case.wpt for case in WPT})
    names = {file: "; ".join(text(case.name) for case in WPT if case.wpt == file) for file in files}
    return rows(("file in `eventsource/`", "cases"), *((f"`{file}`", names[file]) for file in files))


def wpt_others() -> str:
    return rows(("not about reading a stream", "files"), *NOT_PARSING.items())


def outcome(reader: Reader, case: Case) -> str:
    got = reading(reader, [case.stream])
    if got == case.events:
        return ""
    return got if isinstance(got, str) else "differs"


def depends_on_chunks(reader: Reader, case: Case) -> bool:
    single_bytes = [case.stream[at : at + 1] for at in range(len(case.stream))]
    return reading(reader, single_bytes) != reading(reader, [case.stream])


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the parsers' warnings about our cases out of the log."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


@quiet()
def differences() -> str:
    cases = [*WHATWG, *WPT]
    outcomes = {case.name: [outcome(reader, case) for reader in PEERS.values()] for case in cases}
    wrong = [str(sum(map(bool, column))) for column in zip(*outcomes.values(), strict=True)]
    split = [str(sum(depends_on_chunks(reader, case) for case in cases)) for reader in PEERS.values()]
    late = ["" if events_while_open(reader, CR_STREAM) else "late" for reader in PEERS.values()]
    return rows(
        ("case", *PEERS),
        (f"**of {len(cases)} cases, not as the browser**", *wrong),
        ("**of these cases, other events byte by byte**", *split),
        ("**event whose blank line ends with CR, before more bytes come**", *late),
        *((text(name), *cells) for name, cells in outcomes.items() if any(cells)),
    )


TABLES = {
    "sentences": sentences,
    "elsewhere": elsewhere,
    "wpt": wpt_files,
    "wpt-others": wpt_others,
    "differences": differences,
}


def renew(document: str) -> str:
    """Give the document with each of its tables made anew."""
    return BLOCK.sub(lambda block: block[1] + block[2] + TABLES[block[1]](), document)


def benchmark(file: Path) -> str:
    """Thousands of events per second, from the JSON that `pytest --benchmark-json=FILE` wrote."""
    rates: dict[str, dict[str, str]] = {}
    for run in json.loads(file.read_text())["benchmarks"]:
        if "events/s" in run["extra_info"]:
            workload, reader = run["group"], run["param"].removeprefix(f"{run['group']}-")
            rates.setdefault(workload, {})[reader] = f"{run['extra_info']['events/s'] / 1000:,.1f}"
    readers = list(next(iter(rates.values())))
    return rows(("1,000 events/s", *readers), *((name, *rate.values()) for name, rate in rates.items()))


def main() -> None:
    if sys.argv[1:]:
        print(benchmark(Path(sys.argv[1])))
    else:
        DOCUMENT.write_text(renew(DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
