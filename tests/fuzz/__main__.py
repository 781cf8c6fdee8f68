"""Coverage-guided fuzzing of one reader, until something breaks: ``python -m tests.fuzz NAME [libFuzzer options]``.

What reached something new is kept in ``build/fuzz/NAME``.
"""

import sys
from pathlib import Path

CORPUS = Path("build/fuzz")  # what new paths were found with: `tests.fuzz.many` goes on from there


def main() -> None:
    try:
        import atheris
    except ImportError:
        sys.exit("install atheris to fuzz without end (pip install atheris), or run pytest tests/fuzz")
    with atheris.instrument_imports(include=["ssegauge.conformance", "h11", "h2", "hpack", "httpcore"]):
        from tests.fuzz.readers import READERS
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"name a reader: {', '.join(READERS)}")
    from tests.fuzz.seeds import PIECES

    name = sys.argv.pop(1)
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    pieces = PIECES.get(name, PIECES["capture"])
    for number, seed in enumerate([*pieces, b"".join(pieces)]):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([*sys.argv, str(corpus)], READERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
