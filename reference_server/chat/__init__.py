"""A small healthy server of language-model streams: made-up text, in the wire form of a well-known API.

A wire form is a class with a path, the bodies that it takes, and the events that it makes of an answer
(`completions.py`); how an answer is made (`generation.py`) and paced (`streams.py`) is the same for all forms.
`TARGET_FILE` describes the server at the usual port.
"""

from pathlib import Path

TARGET_FILE = Path(__file__).with_name("ssegauge.toml")

__all__ = ["TARGET_FILE"]
