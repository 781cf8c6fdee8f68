"""A locustfile of the user's own with a mistake in it: the run judges nothing, and says where the mistake is."""

from pathlib import Path

from tests.loadtests.conftest import Load, verdicts
from tests.loadtests.servers import StampedSender, scripted

MISTAKEN = """
from ssegauge import SSEUser

class Dashboard(SSEUser):
    path = "/events"

    def on_event(self, kind, data, last_event_id):
        raise KeyError("stage")
"""


def test_an_error_in_on_event_is_not_the_servers(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(MISTAKEN)
    with scripted(StampedSender(0.0)) as url:
        document = load(url, scenario=str(tmp_path / "own.py"), users=3, duration_s=1)
    assert set(verdicts(document).values()) == {"could_not_judge"}
    assert "on_event raised KeyError: 'stage' x " in document["generator"]["note"]
    assert not document["generator"]["saturated"]
    assert document["connections"]["dropped"] == 0
