"""How streams begin and how tasks move on them."""

from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import Case, completed, connected, event, exchange, failed, healthy, progress
from tests.corpus.course import no_answer

STATES = progress(0, "pending"), progress(20), progress(60)
UNREADABLE = (
    event({"status": "running"}),
    b"data: hello\n\n",
    event({"type": "progress", "progress": {"status": 7}}),
)


def stream(*chunks: bytes | tuple[float, bytes], **more: Any) -> Transcript:
    """A stream of these events alone."""
    return exchange(*chunks, **more)


def without_connected(*chunks: bytes, **more: Any) -> Transcript:
    return exchange(*(chunks or STATES), completed(), **more)


def told(*arrivals: tuple[float, int], **more: Any) -> Transcript:
    """A stream whose reports arrive at the one time and were made at the other."""
    reports = [(at, progress(n, at=made)) for n, (at, made) in enumerate(arrivals)]
    return exchange((5.0, connected()), *reports, how="cut", **more)


SITUATION = (without_connected(situation="race"),)
BURST = [(2500.0 + n, 200 * (n + 1)) for n in range(5)]

CASES = {
    "lifecycle/connected-missing": Case(
        good=((healthy(),), (stream(*STATES, connected(), completed()),), (healthy(joined="late"),)),
        bad=(
            (without_connected(),),
            (without_connected(resume="known", reader="cut"),),
            (stream(*STATES, how="timeout", ended_at=5000.0),),
            (without_connected(capture=True, how="cut"),),
        ),
        silent=(
            SITUATION,
            (stream(*STATES, how="cut"),),  # it may only have been late
            *((without_connected(progress(20), odd),) for odd in UNREADABLE),  # one of these may have meant to be it
            (stream(event({"type": "error", "taskId": "task-1", "message": "no"})),),
            (stream(b": hello\n\n", how="cut"),),
        ),
    ),
    "lifecycle/connected-not-first": Case(
        good=((healthy(),), (stream(b": hello\nretry: 5\n\n" + connected(), *STATES),)),
        bad=((stream(STATES[0], connected(), STATES[1], completed()),), (stream(STATES[0] + connected(), how="cut"),)),
        silent=(SITUATION, (without_connected(),)),
    ),
    "lifecycle/connected-repeated": Case(
        good=((healthy(),), (healthy(), healthy(reader="twin", name="twin"))),
        bad=((healthy(connected(), progress(20)),), (stream(connected(), connected(), how="cut"),)),
        silent=(SITUATION, (without_connected(),)),
    ),
    "lifecycle/connected-late": Case(
        good=(
            (healthy(),),
            (stream((999.0, connected()), how="cut"),),
            (stream((5.0, connected()), (3000.0, completed())),),
        ),
        bad=(
            (stream((1500.0, connected()), completed()),),
            (stream(b": hello\n\n", how="timeout", ended_at=5000.0),),
            (no_answer(),),
            (no_answer(joined="late"),),
        ),
        silent=(
            SITUATION,
            (without_connected(),),
            (stream(connected(), completed(), capture=True, how="cut"),),
            (stream(b": hello\n\n", how="cut", ended_at=400.0),),  # we left too early to say
            (no_answer(how="error"),),
            (no_answer(joined="after-end"),),
            (no_answer(resume="known"),),
        ),
    ),
    "lifecycle/progress-regresses": Case(
        good=(
            (healthy(),),
            (exchange(connected(), progress(0, "pending"), progress(60), progress(60), failed()),),  # failed: 0
            (
                healthy(progress(20), progress(20.5), progress(30, progress="10"), progress(60)),
            ),  # one is another rule's
            (healthy(progress(20), progress(900), progress(-1), progress(60)),),
        ),
        bad=(
            (healthy(progress(40), progress(5)),),
            (healthy(progress(40), event({"type": "status"}), progress(39.9)),),
            (exchange(connected(), progress(40, "pending"), progress(20), how="timeout"),),
        ),
        silent=(
            (stream(connected(), progress(20), how="cut"),),
            (stream(connected(), completed(), progress(5)),),  # what comes after the end is another rule's
            (exchange(progress(40), progress(5), situation="canary"),),
        ),
    ),
    "lifecycle/illegal-transition": Case(
        good=(
            (healthy(),),
            (exchange(connected(), progress(0, "pending"), failed()),),
            (healthy(progress(20), progress(20, ["pending"]), progress(60)),),  # what it is, is another rule's matter
        ),
        bad=((healthy(progress(20), progress(30, "pending"), progress(60)),),),
        silent=(
            (stream(connected(), progress(0, "pending"), completed()),),  # it may have run between two looks
            (stream(connected(), completed(), progress(5)),),
            (stream(connected(), progress(20), progress(60), how="cut"),),
        ),
    ),
    "lifecycle/updates-silent": Case(
        good=(
            (healthy(),),
            (told((10.0, 0), (3000.0, 2990), (6000.0, 5990)),),  # a slow task, told at once
            (told((10.0, 0), (2500.0, 2400), (2501.0, 2490)),),  # a pause, then two steps at once: nothing was held
            (told((10.0, 0), (2500.0, 200), (2700.0, 400), (2900.0, 600)),),  # late each, but not caught up
        ),
        bad=(
            (told((10.0, 0), *BURST),),
            (told((10.0, 3_600_000), *((at, made + 3_600_000) for at, made in BURST)),),  # by a clock that is off
        ),
        silent=(
            (told((10.0, 0), *BURST, kind="manual"),),  # timed from their cause, which is better
            (told((10.0, 0), *BURST, capture=True),),
            (told((10.0, 0), *BURST, joined="after-end"),),
            (stream(connected(), progress(20), how="cut"),),
            (stream(connected(), progress(20, at=-1), progress(60, at=10**15), how="cut", situation="idle"),),
        ),
    ),
}
