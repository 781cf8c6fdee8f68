"""Which rules each deliberate fault of the reference server sets off, found by checking a server for every fault.

python -m tests.matrix           prints the matrix as Markdown (docs/detection-matrix.md)
"""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

from ssegauge.conformance.catalogue import PROBES, RULES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.probes import hooks
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.target import Call, Limits, Profile, Target, load_target
from tests.forked import FORKED, serving

ROOT = Path(__file__).parents[1]
ORIGIN = "https://app.example"
TOKEN = "matrix-token"
# Short enough that the idle probe need not wait long; the server's own interval is shorter still.
HEARTBEAT_S = 1.5
AT_ONCE = 3
HEADING = f"""# Which faults are caught by which rules

Every rule is proven by a server that breaks it: the reference server with one deliberate fault, chosen by
`ssegauge serve --fault CODE`. The table is what `make matrix` found, with all probes of `ssegauge check`; the healthy
server sets off no rule. Where others fire too, one defect breaks two promises at once (an event named `error` is a
named event), or one fault cannot be made without the other. {len(RULES)} rules; what load alone can show is proven in
`tests/loadtests`.

| fault of the reference server | caught by its rule | other rules that fire |
|---|---|---|"""


class NotObservedError(AssertionError):
    """Situations that the healthy server ought to show did not come up."""


def found(
    faults: tuple[str, ...],
    probes: Collection[str] = (),
    *,
    quick: bool = False,
    through: Callable[[str], str] = str,
    profile: Profile | None = None,
) -> dict[str, str]:
    """Check a server with the faults; return the codes of broken rules and what was said of each.

    Without ``probes`` all are played; without ``profile`` those of the rule that the first fault breaks are judged.
    ``through`` puts something before the server: it is given the base URL and returns the one to use.
    """
    options = ["--allow-origin", ORIGIN, "--token", TOKEN, "--heartbeat", str(HEARTBEAT_S / 2)]
    options += [word for fault in faults for word in ("--fault", fault)]
    with serving(options) as server:
        target = described(through(server.base_url), server.pid)
        if (profile or profile_of(faults)) == "event-stream":
            target = as_any_stream(target)
        recording = Recording()
        chosen = [one for one in PROBES if not probes or one.name in probes]
        plan = Plan.of(target, quick=quick, probes=chosen)
        failures = asyncio.run(play(target, recording, plan, quick=quick))
    assert not failures.of, failures.of
    results = judge(recording.transcripts, profile=target.profile, limits=target.limits, hooks=hooks(target))
    if not faults and not probes and not profile:
        assert not recording.notes, recording.notes
        if unseen := [one.rule.code for one in results if one.verdict == "not_observed"]:
            raise NotObservedError(unseen)
    return {one.rule.code: one.summary for one in results if one.verdict in {"fail", "harness_error"}}


def described(base_url: str, pid: int) -> Target:
    """Return the reference server as a target, with every hook it has."""
    target = load_target(str(ROOT / "reference_server" / "ssegauge.toml"))
    return replace(
        target,
        base_url=base_url,
        headers={"Authorization": f"Bearer {TOKEN}"},
        origin=ORIGIN,
        observe=replace(target.observe, pid=pid),
        limits=Limits(heartbeat_s=HEARTBEAT_S),
    )


def profile_of(faults: tuple[str, ...]) -> Profile:
    """Return the profile in which the first fault breaks a rule."""
    rule = RULES.get(faults[0]) if faults else None
    return (rule.only if rule else None) or "task-progress"


def as_any_stream(target: Target) -> Target:
    """Start a task, and return its stream as one of which nothing is known but its address."""
    asked = json.dumps({"steps": 20, "interval_ms": 100}).encode()
    headers = {**target.headers, "Content-Type": "application/json"}
    request = Request(target.base_url + "/api/brand-monitor/tasks", asked, headers)
    with urlopen(request) as answer:
        stream = Call(target.stream.path.format(task_id=json.load(answer)["taskId"]), "GET")
    return Target(target.base_url, stream, "event-stream", target.headers, limits=target.limits, origin=target.origin)


def matrix(codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return, for every fault, the rules that it sets off."""
    codes = list(codes)
    with ProcessPoolExecutor(AT_ONCE, mp_context=FORKED) as pool:
        return dict(zip(codes, pool.map(found, [(code,) for code in codes]), strict=True))


def main() -> None:
    """Print the matrix."""
    from ssegauge.reference_server import faults

    rows = matrix(code for code in faults.codes() if code in RULES)
    print(HEADING)
    for code, caught in rows.items():
        others = ", ".join(f"`{other}`" for other in caught if other != code) or "–"
        print(f"| `{code}` | {'yes' if code in caught else '**no**'} | {others} |")


if __name__ == "__main__":
    main()
