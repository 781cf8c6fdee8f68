"""One test a rule, for ``pytest --pyargs ssegauge.conformance --target ssegauge.toml``."""

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.pytest_plugin import verdict


@pytest.mark.parametrize("code", RULES)
def test_rule(code: str, pytestconfig: pytest.Config) -> None:
    """The server keeps the rule."""
    verdict(pytestconfig, code)
