"""What to do to a server: one short coroutine a situation; importing this package lists them all in ``PROBES``."""

from ssegauge.conformance.probes import course, joining, leaving, plain, requests, waiting
from ssegauge.conformance.probes.probe import PROBES, Probe, Stage, credentials, hooks, probe

__all__ = [
    "PROBES",
    "Probe",
    "Stage",
    "course",
    "credentials",
    "hooks",
    "joining",
    "leaving",
    "plain",
    "probe",
    "requests",
    "waiting",
]
