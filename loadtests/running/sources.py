"""The addresses of this machine that streams come from: each has ports of its own towards a server.

Linux gives an outgoing connection one of some 28,000 ports (``net.ipv4.ip_local_port_range``); the four of addresses
and ports must differ from every other connection's, so more streams to one server want more addresses. Imports
neither Locust nor gevent.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from ssegauge.conformance.errors import CannotJudge

MOST: Final = 4096
_HOW: Final = "write addresses of this machine, as 10.0.0.5,10.0.0.6 or 127.0.0.2-127.0.0.9"


def addresses(text: str) -> tuple[str, ...]:
    """Return what ``--source`` names, in order; raises CannotJudge for what is no address of this machine."""
    found = tuple(str(one) for part in text.split(",") if part.strip() for one in _range(part.strip()))
    for one in found:
        _check(one)
    return found


def _range(part: str) -> list[IPv4Address | IPv6Address]:
    first, _, last = (word.strip() for word in part.partition("-"))
    try:
        begin, end = ip_address(first), ip_address(last or first)
        many = int(end) - int(begin) + 1 if begin.version == end.version else 0
    except ValueError as error:
        raise CannotJudge(f"--source {part}: {error}; {_HOW}") from None
    if not 1 <= many <= MOST:
        raise CannotJudge(f"--source {part}: is no range of at most {MOST:,} addresses; {_HOW}")
    return [begin + number for number in range(many)]


def _check(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as one:
        try:
            one.bind((address, 0))
        except OSError as error:
            raise CannotJudge(f"--source {address}: {error.strerror}; {_HOW}") from None
