"""What requests ask: bodies from a JSON Lines file, or prompts that are made up, no two alike.

``${NAME}`` in a file's strings comes from the environment, as in a target file, and is a secret. Made-up prompts go
where the target's stream says ``{prompt}``; they begin with a prefix that all share, for servers that keep what they
have read, and go on with words of their own, so that nothing else is answered from a cache.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, Final, NoReturn

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_file
from ssegauge.conformance.target import Target

MOST_REQUESTS: Final = 256 << 20  # characters of a file
PROMPT: Final = "prompt"
USUAL: Final = "50-500"  # words of made-up prompts, where a target wants some and nobody says how long they are
_LENGTHS: Final = re.compile(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*").fullmatch
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_SEED: Final = 205
_WORDS: Final = (
    *("harbour", "tide", "lantern", "copper", "meadow", "signal", "river", "winter"),
    *("copper", "paper", "garden", "thunder", "engine", "silver", "market", "forest"),
    *("window", "bridge", "candle", "music", "letter", "island", "summer", "orange"),
    *("pencil", "mirror", "station", "bottle", "feather", "valley", "kitchen", "planet"),
    *("basket", "ladder", "village", "doctor", "museum", "ticket", "blanket", "farmer"),
)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of a JSON Lines file, and the values that were secrets."""

    bodies: tuple[Any, ...]
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts of ``least`` to ``most`` words, of which the first ``shared`` are the same in all."""

    least: int
    most: int
    shared: int = 0

    def made(self, number: int) -> Iterator[str]:
        """Yield prompts for ever; those of another process, or of another number, are others."""
        dice = Random(f"{_SEED}/{number}")  # noqa: S311 - no secret
        prefix = Random(_SEED).choices(_WORDS, k=self.shared)  # noqa: S311 - no secret
        while True:
            length = dice.randint(self.least, self.most)
            own = dice.choices(_WORDS, k=max(0, length - self.shared))
            if own:
                own[0] = f"{dice.getrandbits(40):010x}"  # at once another, however short it is
            yield " ".join((prefix + own)[:length])


def read(path: Path, environ: Mapping[str, str] = os.environ) -> Bodies:
    """Return the bodies of a JSON Lines file; raises CannotJudge with the line that is none."""
    secrets: set[str] = set()
    try:
        lines = read_file(path, MOST_REQUESTS).split("\n")
    except (OSError, ValueError) as error:
        raise CannotJudge(f"--requests {path}: cannot be read ({error})") from None
    bodies = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            bodies.append(_body(line, f"{path}:{number}", environ, secrets))
    if not bodies:
        raise CannotJudge(f"--requests {path}: holds no request; write a JSON body on each line")
    return Bodies(tuple(bodies), frozenset(secrets))


def prompts(lengths: str, shared: int, target: Target) -> Prompts:
    """Return the prompts that options ask for; raises CannotJudge where they are none, or have no place to go."""
    found = _LENGTHS(lengths)
    least = int(found[1]) if found else 0
    most = int(found[2] or found[1]) if found else 0
    if not 0 < least <= most:
        raise CannotJudge(f"--prompts {lengths!r}: write how many words they have: 200, or 50-500")
    if shared >= least:
        raise CannotJudge(f"--shared-prefix {shared}: must be less than the prompt's {least} words")
    if not has_place(target):
        raise CannotJudge("--prompts: nothing takes them; write {prompt} into the stream's json, where the text stands")
    return Prompts(least, most, shared)


def has_place(target: Target) -> bool:
    """Whether the target's stream wants a prompt."""
    return f"{{{PROMPT}}}" in repr(target.stream.json) + target.stream.path


def wants_some(target: Target) -> bool:
    """Whether the target's stream wants a prompt that no call before gives."""
    return has_place(target) and not any(PROMPT in call.keep for call in target.before)


def values(made: Prompts | None, number: int) -> Iterator[dict[str, str]]:
    """Yield what each request fills in of its own."""
    return ({PROMPT: text} for text in made.made(number)) if made else cycle([{}])


def _body(line: str, place: str, environ: Mapping[str, str], secrets: set[str]) -> Any:  # noqa: ANN401 - any JSON value
    def fail(why: str) -> NoReturn:
        raise CannotJudge(f"{place}: {why}")

    def fill(found: re.Match[str]) -> str:
        if found[1] not in environ:
            fail(f"environment variable {found[1]} is not set; set it, or remove ${{{found[1]}}}")
        secrets.add(environ[found[1]])
        return json.dumps(environ[found[1]])[1:-1]

    try:
        body = json.loads(_VARIABLE.sub(fill, line), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        fail(f"not JSON ({error}); write one body on each line")
    if not isinstance(body, dict | list):
        fail(f"{type(body).__name__} is no body; write a JSON object on each line")
    return body


def _finite(text: str) -> float:
    """Return a number: one that is larger than any would be sent as Infinity, which is no JSON."""
    return float(text) if math.isfinite(float(text)) else _refuse(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
