"""Made-up answers: text in pieces, the same for the same question and seed; many characters take more than a byte."""

import random
import re
from dataclasses import dataclass

SENTENCES = (
    "The harbour wakes before the town.",
    "Grüße aus Köln, wo es heute regnet.",
    "東京は今日も晴れです。",
    "A sailor’s day begins at 4:30 with coffee ☕.",
    "Ships carry 90 % of what we trade.",
    "Привет from the lighthouse 🗼!",
    "The ferry to Åland takes five hours.",
    "Tides follow the moon, œuvre d’art or not.",
)
PIECE = re.compile(r"\s*\S{1,6}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: its pieces, why it ends, and how many pieces the question has."""

    pieces: tuple[str, ...]
    is_cut: bool
    prompt_pieces: int

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


def answer(question: str, seed: int | None, most: int | None) -> Answer:
    """Return the answer to the question, of at most so many pieces."""
    dice = random.Random(f"{seed}/{question}")  # noqa: S311 - demo text, not a secret
    sentences = dice.sample(SENTENCES, dice.randint(3, 5))
    pieces = tuple(PIECE.findall(" ".join(sentences)))
    return Answer(pieces[:most], most is not None and most < len(pieces), len(PIECE.findall(question)))
