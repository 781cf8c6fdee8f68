"""A target as plain values and back, without the checks that a user's file needs: it was checked when it was read."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin

Built = TypeVar("Built")


def from_plain(cls: type[Built], values: dict[str, Any]) -> Built:
    """Return the dataclass that ``dataclasses.asdict`` made these values of, also after JSON."""
    hints = typing.get_type_hints(cls)
    known = {item.name for item in fields(typing.cast("Any", cls))}
    return cls(**{name: _revived(hints[name], value) for name, value in values.items() if name in known})


def _revived(hint: Any, value: Any) -> Any:  # noqa: ANN401 - any field's value
    if get_origin(hint) in {types.UnionType, typing.Union}:
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if value is None:
        return None
    if is_dataclass(hint):
        return from_plain(typing.cast("type[Any]", hint), value)
    if get_origin(hint) is tuple:
        return tuple(_revived(get_args(hint)[0], item) for item in value)
    return frozenset(value) if get_origin(hint) is frozenset else value
