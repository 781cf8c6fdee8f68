"""What to do to a server, one short coroutine a situation; those of one profile alone stand in its folder."""

from ssegauge.conformance.probes.probe import Probe, Stage, credentials, hooks, probe

__all__ = ["Probe", "Stage", "credentials", "hooks", "probe"]
