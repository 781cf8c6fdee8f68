"""A small healthy feed: the profile `event-stream` in running form. Everybody who reads it is told the same.

`TARGET_FILE` describes it, with what it promises, at the usual port.
"""

from pathlib import Path

TARGET_FILE = Path(__file__).with_name("ssegauge.toml")

__all__ = ["TARGET_FILE"]
