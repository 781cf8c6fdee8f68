"""What befalls a server, the generator or ssegauge itself in the midst of a run: a table, with what may come of it.

0 stands nowhere where something was lost: a run that did not see what it was to see is not good.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from tests.chaos.stage import Befall, Stage, Thief, freeze
from tests.cli.command import wait_until

FAILED, UNJUDGED, NOT_GOOD, ANY, INTERRUPTED = {1}, {2}, {1, 2}, {0, 1, 2}, {130}
CHECK = ["check"]
LOAD = ["load", "--users", "10", "--duration", "8s"]
WORKERS = [*LOAD, "--processes", "2"]
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
DESCRIPTORS = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))"
CLOCK = """
import threading, time
real, real_ns, step = time.time, time.time_ns, [0.0]
time.time = lambda: real() + step[0]
time.time_ns = lambda: real_ns() + int(step[0] * 1e9)
timer = threading.Timer(4, lambda: step.__setitem__(0, {0}.0))
timer.daemon = True
timer.start()
"""


@dataclass(frozen=True)
class Scene:
    """A command, what befalls it, the exit statuses it may have, and words that it says."""

    words: list[str]
    befall: Befall
    status: set[int]
    told: str = ""
    before: str = ""  # Python, run in the process before anything else
    room_kib: int = 0  # of the disk that the run folder is on; 0: much


def midst(befall: Befall) -> Befall:
    """Wait until the run is well under way."""

    def later(stage: Stage) -> None:
        wait_until(lambda: stage.begun("transcripts/http10.jsonl", "samples/*.parquet"), "it is under way")
        time.sleep(0.5)  # in the midst of something
        befall(stage)

    return later


def nothing(stage: Stage) -> None:
    pass


@midst
def killed(stage: Stage) -> None:
    stage.server.end()


@midst
def frozen(stage: Stage) -> None:
    stage.server.send(signal.SIGSTOP)


@midst
def frozen_for_a_while(stage: Stage) -> None:
    stage.server.send(signal.SIGSTOP)
    time.sleep(3)
    stage.server.send(signal.SIGCONT)


@midst
def restarted(stage: Stage) -> None:
    stage.server.end()
    stage.server.start()


def stolen(answer: bytes) -> Befall:
    @midst
    def steal(stage: Stage) -> None:
        stage.server.end()
        stage.closing.callback(Thief(stage.server.port, answer).end)

    return steal


@midst
def worker_killed(stage: Stage) -> None:
    stage.load_processes()[1].kill()


@midst
def worker_frozen(stage: Stage) -> None:
    stage.load_processes()[1].suspend()


@midst
def generator_killed(stage: Stage) -> None:
    stage.load_processes()[0].kill()


@midst
def generator_frozen(stage: Stage) -> None:
    stage.load_processes()[0].suspend()


@midst
def generator_frozen_for_a_while(stage: Stage) -> None:
    freeze(stage.load_processes()[0], 3)


@midst
def frozen_itself(stage: Stage) -> None:
    freeze(stage.process, 4)


def told(number: int) -> Befall:
    @midst
    def tell(stage: Stage) -> None:
        stage.process.send_signal(number)

    return tell


SCENES: dict[str, Scene] = {
    "check: server killed": Scene(CHECK, killed, NOT_GOOD),
    "check: server frozen": Scene(CHECK, frozen, NOT_GOOD),
    "check: server frozen for 3 s": Scene(CHECK, frozen_for_a_while, ANY),
    "check: server restarted": Scene(CHECK, restarted, NOT_GOOD),
    "check: port stolen by a web server": Scene(CHECK, stolen(PAGE), NOT_GOOD),
    "check: port stolen by a silent one": Scene(CHECK, stolen(b""), NOT_GOOD),
    "check: itself frozen for 4 s": Scene(CHECK, frozen_itself, {0, 2}),
    "check: SIGTERM": Scene(CHECK, told(signal.SIGTERM), INTERRUPTED, "Interrupted"),
    "check: SIGHUP": Scene(CHECK, told(signal.SIGHUP), INTERRUPTED, "Interrupted"),
    "check: the clock goes back an hour": Scene(CHECK, nothing, {0}, before=CLOCK.format(-3600)),
    "check: the clock goes on an hour": Scene(CHECK, nothing, {0}, before=CLOCK.format(3600)),
    **{
        f"check: {many} descriptors": Scene(
            CHECK,
            nothing,
            UNJUDGED if many < 96 else {0},
            "" if many < 96 else "PASSED",
            before=DESCRIPTORS.format(many),
        )
        for many in (5, 8, 16, 32, 64, 96)
    },
    "load: server killed": Scene(LOAD, killed, NOT_GOOD),
    "load: server frozen": Scene(LOAD, frozen, NOT_GOOD),
    "load: server frozen for 3 s": Scene(LOAD, frozen_for_a_while, ANY),
    "load: server restarted": Scene(LOAD, restarted, NOT_GOOD),
    "load: port stolen by a web server": Scene(LOAD, stolen(PAGE), NOT_GOOD),
    "load: port stolen by a silent one": Scene(LOAD, stolen(b""), NOT_GOOD),
    "load: worker killed": Scene(WORKERS, worker_killed, UNJUDGED, "ended before their time"),
    "load: worker frozen": Scene(WORKERS, worker_frozen, UNJUDGED),
    "load: generator killed": Scene(LOAD, generator_killed, UNJUDGED, "ended before its time"),
    "load: leading process killed": Scene(WORKERS, generator_killed, UNJUDGED, "ended before its time"),
    "load: generator frozen": Scene(LOAD, generator_frozen, UNJUDGED),
    "load: generator frozen for 3 s": Scene(LOAD, generator_frozen_for_a_while, UNJUDGED),
    "load: itself frozen for 4 s": Scene(LOAD, frozen_itself, {0, 2}),
    "load: SIGTERM": Scene(LOAD, told(signal.SIGTERM), INTERRUPTED, "Interrupted"),
    "load: SIGHUP": Scene(LOAD, told(signal.SIGHUP), INTERRUPTED, "Interrupted"),
    **{
        f"load: {many} descriptors": Scene(LOAD, nothing, UNJUDGED, before=DESCRIPTORS.format(many))
        for many in (5, 16, 64)
    },
    **{
        f"{words[0]}: a disk of {kib} KiB": Scene(words, nothing, UNJUDGED, "No space left", room_kib=kib)
        for words in (["check", "--quick"], LOAD, ["run", "--quick", *LOAD[1:]])
        for kib in (4, 16, 32)
    },
}
