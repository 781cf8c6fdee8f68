"""Events whose data is not what the specification says."""

import json
from collections.abc import Callable
from typing import Any

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.faults.tools import ProgressEvents

Amend = Callable[[Json], object]
Applies = Callable[[Json, int], bool]


def _first_report(_envelope: Json, number: int) -> bool:
    return number == 1


def _creation(_envelope: Json, number: int) -> bool:
    return number == 0


def _always(_envelope: Json, _number: int) -> bool:
    return True


def _in_status(status: str) -> Applies:
    return lambda envelope, _number: envelope["progress"]["status"] == status


def _set(member: str, value: Any) -> Amend:  # noqa: ANN401 - any JSON value
    return lambda envelope: envelope.update({member: value})


def _set_inner(member: str, value: Any) -> Amend:  # noqa: ANN401 - any JSON value
    return lambda envelope: envelope["progress"].update({member: value})


def _remove(member: str) -> Amend:
    return lambda envelope: envelope.pop(member)


def _remove_inner(member: str) -> Amend:
    return lambda envelope: envelope["progress"].pop(member, None)


def _later(ms: int) -> Amend:
    return lambda envelope: envelope.update(timestamp=envelope["timestamp"] + ms)


# code -> (how the data is changed, in which progress events)
CHANGES: dict[str, tuple[Amend, Applies]] = {
    "type-missing": (_remove("type"), _first_report),
    "type-unknown": (_set("type", "status"), _first_report),
    "task-id-mismatch": (_set("taskId", "another-task"), _first_report),
    "inner-task-id-mismatch": (_set_inner("taskId", "another-task"), _first_report),
    "timestamp-missing": (_remove("timestamp"), _first_report),
    "timestamp-not-ms": (lambda envelope: envelope.update(timestamp=envelope["timestamp"] // 1000), _always),
    "timestamp-skewed": (_later(3_600_000), _always),
    "timestamp-regresses": (_later(-700), lambda _envelope, number: number == 2),
    "progress-missing": (_remove("progress"), _first_report),
    "status-unknown": (_set_inner("status", "processing"), _first_report),
    "stage-empty": (_set_inner("stage", ""), _first_report),
    "progress-not-a-number": (_set_inner("progress", "0%"), _first_report),
    "progress-out-of-range": (_set_inner("progress", -1), _creation),
    "message-missing": (_remove_inner("message"), _first_report),
    "eta-negative": (_set_inner("estimatedTimeRemaining", -1), _first_report),
    "results-before-completed": (_set_inner("results", {"visibilityScore": 0}), _first_report),
    "completed-without-results": (_remove_inner("results"), _in_status("completed")),
    "failed-without-error": (_remove_inner("error"), _in_status("failed")),
}


def _changed(change: Amend, applies: Applies) -> type[ProgressEvents]:
    class Changed(ProgressEvents):
        def amend(self, envelope: Json, number: int) -> None:
            super().amend(envelope, number)
            if applies(envelope, number):
                change(envelope)

    return Changed


for code, (change, applies) in CHANGES.items():
    breaks(f"shape/{code}")(_changed(change, applies))

# code -> how the JSON text is changed
TEXTS: dict[str, Callable[[str], str]] = {
    "not-json": lambda text: str(json.loads(text)),
    "not-an-object": lambda text: f"[{text}]",
    "duplicate-keys": lambda text: f'{text[:-1]},"type":"progress"}}',
    "not-a-json-number": lambda text: f'{text[:-1]},"score":NaN}}',
}


def _written(change: Callable[[str], str]) -> type[Events]:
    class Written(ProgressEvents):
        def dump(self, envelope: Json) -> str:
            """Change the first report that estimates the time left, which a report of odd text hardly does."""
            text = super().dump(envelope)
            is_it = self.current == 1 and "estimatedTimeRemaining" in envelope.get("progress", ())
            return change(text) if is_it else text

    return Written


for code, text_change in TEXTS.items():
    breaks(f"shape/{code}")(_written(text_change))


@breaks("shape/named-event")
class Named(ProgressEvents):
    """Names an event, so that `onmessage` never hears of it."""

    def spoil(self, block: bytes, number: int) -> bytes:
        """Return the block with its name."""
        return b"event: progress\n" + block if number == 1 else block
