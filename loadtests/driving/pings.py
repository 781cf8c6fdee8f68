"""Pings of the endpoint that existed before streams did: an open loop of its own, on kept-alive connections.

Times run from just before the send to the kernel's stamp of the arrival. Due times are jittered, so that
pings do not beat with the server's timers or with the updates.

Many pings make the machine's moods matter less, so there are as many as the endpoint bears: it must not be the
pings themselves that slow it down.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

import gevent
import numpy as np

from ssegauge.conformance.target import Call, Target
from ssegauge.loadtests.driving.client import Client, ExchangeFailed, call_bytes
from ssegauge.loadtests.measuring.samples import EXISTING, Rows
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import resolve

CONNECTIONS: Final = 4
RATES: Final = (100.0, 1000.0)  # pings per second in all, at least and at most
BUSY: Final = 0.2  # the share of its time that the endpoint may spend on pings
TRIALS: Final = 20
TRYING_NS: Final = 1_000_000_000
_SEED: Final = 205


class Pinger:
    """Pings until stopped; ``failures`` counts, by reason, those without a good reply."""

    def __init__(self, target: Target, call: Call, rows: Rows) -> None:
        self.failures: Counter[str] = Counter()
        self._rows = rows
        origin = resolve(target.base_url, target.tls)
        self._request = call_bytes(target, origin, call)
        self._client = Client(origin, timeout=10.0)
        self._rate = self._bearable_rate()
        self._loops = [gevent.spawn(self._run, number) for number in range(CONNECTIONS)]

    def stop(self) -> None:
        """Ping no more."""
        gevent.killall(self._loops)
        self._client.close()

    def _bearable_rate(self) -> float:
        times_s = list(islice(self._tried(), TRIALS))
        least, most = RATES
        return min(most, max(least, BUSY / float(np.median(times_s)))) if times_s else least

    def _tried(self) -> Iterator[float]:
        give_up_ns = clock.now() + TRYING_NS
        with contextlib.suppress(ExchangeFailed):  # what fails is counted when it fails while measuring
            while clock.now() < give_up_ns:
                reply = self._client.request(self._request)
                yield (reply.arrived_ns - reply.sent_ns) / 1e9

    def _run(self, number: int) -> None:
        jitter = random.Random(_SEED + number)  # noqa: S311 - no secret
        step_ns = CONNECTIONS / self._rate * 1e9
        start_ns, k = clock.now(), 0
        while True:
            due_ns = start_ns + int((k + jitter.random()) * step_ns)
            gevent.sleep(max(0.0, (due_ns - clock.now()) / 1e9))
            self._ping(number)
            k = max(k + 1, int((clock.now() - start_ns) / step_ns))  # a slow reply skips, it does not pile up

    def _ping(self, number: int) -> None:
        phase = self._rows.phase
        try:
            reply = self._client.request(self._request)
        except ExchangeFailed as failure:
            self.failures[str(failure)] += 1
            gevent.sleep(1 / self._rate)  # a server that refuses is not asked at full speed
            return
        if not reply.ok:
            self.failures[f"status {reply.status}"] += 1
        elif phase and phase == self._rows.phase:
            value = (reply.arrived_ns - reply.sent_ns) / 1e6
            self._rows.add(EXISTING, reply.arrived_ns, number, value, reply.delay_ns)
