"""All rules and all probes: the general ones, and those of every profile.

A rule or a probe is known once its module is imported, so importing this one imports all of them: a new file below
``rules`` or ``probes``, or a new folder below ``profiles``, is found by itself.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from ssegauge.conformance import probes, profiles, rules
from ssegauge.conformance.probes.probe import PROBES
from ssegauge.conformance.rules.rule import RULES as _REGISTERED
from ssegauge.conformance.rules.rule import Tightened

__all__ = ["PROBES", "RULES", "TIGHTENED"]


def _import_all(package: ModuleType) -> None:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)


for _package in (rules, probes, profiles):
    _import_all(_package)

# By code, in the order in which they are told: group by group.
RULES = dict(sorted(_REGISTERED.items(), key=lambda entry: entry[1].group))

# By profile and code: what a profile makes of general rules, in ``TIGHTENED`` of its folder's module ``levels``.
TIGHTENED: Mapping[str, Mapping[str, Tightened]] = {
    profile.name.replace("_", "-"): import_module(f"{profiles.__name__}.{profile.name}.levels").TIGHTENED
    for profile in pkgutil.iter_modules(profiles.__path__)
}
