"""All rules and all probes: the general ones, and those of every profile.

A rule or a probe is known once its module is imported, so importing this one imports all of them: a new file below
``rules`` or ``probes``, or a new folder below ``profiles``, is found by itself.
"""

import pkgutil
from importlib import import_module
from types import ModuleType

from ssegauge.conformance import probes, profiles, rules
from ssegauge.conformance.probes.probe import PROBES
from ssegauge.conformance.rules.rule import RULES as _REGISTERED

__all__ = ["PROBES", "RULES"]


def _import_all(package: ModuleType) -> None:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)


for _package in (rules, probes, profiles):
    _import_all(_package)

# By code, in the order in which they are told: group by group.
RULES = dict(sorted(_REGISTERED.items(), key=lambda entry: entry[1].group))
