"""`ssegauge serve`: a server of each profile, healthy or not, from the command line."""

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import known_profile
from ssegauge.reference_server import PROFILES
from tests.cli.command import SSEGAUGE, environment, ssegauge


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--fault", "delivery/readers-difer"],
            "no fault 'delivery/readers-difer'; did you mean delivery/readers-differ",
        ),
        (["--fault", "lifecycle/no-terminal"], "no fault lifecycle/no-terminal; serve it with --profile task-progress"),
        (["--slots", "2"], "--slots is no option of profile event-stream; there is --allow-origin, --heartbeat, "),
        (["--pace", "-1"], "--pace must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_served_is_one_line(words: list[str], says: str, tmp_path: Path) -> None:
    done = ssegauge("serve", "--port", "0", "--profile", "event-stream", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    done = ssegauge("serve", "--profile", "feed", cwd=tmp_path)
    assert done.returncode == 2
    assert all(name in done.stderr for name in PROFILES)


def test_every_profile_that_there_is_can_be_asked_for() -> None:
    assert {known_profile(name) for name in PROFILES} == {*PROFILES}
    with pytest.raises(CannotJudge, match="did you mean 'event-stream'"):
        known_profile("evnt-stream")


def test_the_faults_are_listed_with_what_they_do(tmp_path: Path) -> None:
    done = ssegauge("serve", "--profile", "event-stream", "--faults", cwd=tmp_path)
    assert done.returncode == 0
    assert "resume/unknown-id-refused:500  Answers 500 to an id that it does not know.\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["--profile", "task-progress"], "/health"),
        (["--profile", "event-stream", "--pace", "0.1", "--http2"], "/metrics.json"),
        (["--profile", "chat-completions", "--slots", "4", "--first-token", "0.1"], "/v1/models"),
    ],
)
def test_every_profile_is_served_until_it_is_told_to_stop(words: list[str], path: str, tmp_path: Path) -> None:
    command = [*SSEGAUGE, "serve", "--port", "0", *words]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        with httpx.Client(http2=True, verify=False, trust_env=False) as http:
            answer = http.get(url + path)
        assert (answer.status_code, answer.http_version == "HTTP/2") == (200, "--http2" in words)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
