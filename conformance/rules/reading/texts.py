"""The texts in what a server said."""

from collections.abc import Iterator


def texts(value: object) -> Iterator[str]:
    """Yield the strings in a JSON value; the stack is ours, since a hostile value may be nested deeply."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
