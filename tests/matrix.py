"""Which rules each deliberate fault of the servers that ship sets off, found by checking a server for every fault.

python -m tests.matrix           prints the matrix as Markdown (docs/detection-matrix.md)
"""

import asyncio
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from ssegauge.conformance.catalogue import PROBES, RULES
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.probes import hooks
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.rules import Rule
from ssegauge.conformance.target import Before, Call, Given, Limits, Profile, Target, from_toml
from ssegauge.reference_server import PROFILES, faults_of, start
from ssegauge.reference_server import Profile as Served
from tests.forked import FORKED, Server, serving

ROOT = Path(__file__).parents[1]
ORIGIN = "https://app.example"
TOKEN = "matrix-token"
# Short enough that the idle probe need not wait long; the server's own interval is shorter still.
HEARTBEAT_S = 1.5
AT_ONCE = 3
MODELS: tuple[Served, ...] = ("responses", "messages")
FOLDERS: Mapping[Served, str] = {
    "task-progress": ".",
    "event-stream": "feed",
    "chat-completions": "chat",
    **{name: name for name in MODELS},
}
NAMES: Mapping[Served, str] = {
    "task-progress": "tasks",
    "event-stream": "feed",
    "chat-completions": "chat",
    **{name: name for name in MODELS},
}
# General rules for which tasks have stricter ones: they break where the stream is looked at as any other.
OF_ANY_STREAM = {"resume/begins-anew", "resume/events-lost-on-resume", "resume/known-id-refused"}
# What tasks have no occasion to show: their streams are told by other rules, and here none is in HTTP/2.
NOT_OF_TASKS = (
    *(
        "capacity/",
        "cleanup/half-open-held",
        "delivery/held-to-the-end",
        "delivery/readers-differ",
        "end/",
        "liveness/gap-too-long",
    ),
    *("liveness/first-event-late", "response/connection-field-in-http2", "response/few-streams-in-http2"),
    *("response/malformed-http2", "response/not-in-its-coding"),
    *("resume/replays-without-ids", "resume/unknown-id-", "resume/known-id-", *sorted(OF_ANY_STREAM)),
    *(
        "security/told-to-others",
        "shape/breaks-schema",
        "shape/json-rpc-response",
        "shape/name-missing",
        "text/",
        "wire/reset-in-http2",
        "wire/twice-encoded",
    ),
)
HEADING = f"""# Which faults are caught by which rules

Every rule is proven by a server that breaks it: one of those that ship, with one deliberate fault, chosen by
`ssegauge serve --profile PROFILE --fault CODE`. A code with a variant (`CODE:VARIANT`) breaks the same rule in another
way. The tables are what `make matrix` found, with all probes of `ssegauge check`; the healthy servers set off no rule.
Where others fire too, one defect breaks two promises at once (an event named `error` is a named event), or one fault
cannot be made without the other. {len(RULES)} rules; what load alone can show is proven in `tests/loadtests`."""
TABLE = """
## {profile}

| fault | caught by its rule | other rules that fire |
|---|---|---|"""


class NotObservedError(AssertionError):
    """Situations that the healthy server ought to show did not come up."""


class Row(NamedTuple):
    """A fault, and whose it is; no fault: the healthy server."""

    server: Served
    fault: str = ""

    @property
    def code(self) -> str:
        """The rule that the fault breaks."""
        return self.fault.partition(":")[0]

    @property
    def is_of_generations(self) -> bool:
        """Whether the rule is one of language-model streams alone, or the fault is one that the chat server has too."""
        return self.code.partition("/")[0] in GENERATIONS or self.server in MODELS

    @property
    def takes_time(self) -> bool:
        """Whether the fault shows to those alone who wait."""
        return self.code in OF_ANSWERS and self.fault != "end/marker-missing"

    def __str__(self) -> str:
        """Return it as the name of a test."""
        return f"{NAMES[self.server]}-{self.fault}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What makes a fault show: the longest silence promised, for streams are read for longer, and options."""

    heartbeat_s: float = HEARTBEAT_S
    options: tuple[str, ...] = ()
    not_promised: tuple[str, ...] = ()  # though the target file does
    vanished_s: float | None = None
    inboxes: bool = False  # each reader has what is its own


# Groups of rules of language-model streams: their faults are whole in one stream, or in one refusal, and so they are
# shown without a process of their own, and without any pace.
GENERATIONS = frozenset({"chat", "responses", "messages", "text"})
# The feed talks quickly, so that little time shows much.
FEED, CHAT = ("--pace", "0.2"), ("--pace", "0.02")
SILENT = ("first_event_s", "gap_s")
IN_HTTP2 = Shown(options=(*FEED, "--http2"))
USUAL: Mapping[Served, Shown] = {
    "task-progress": Shown(),
    "event-stream": Shown(options=FEED),
    **{name: Shown(options=CHAT) for name in ("chat-completions", *MODELS)},
}
# What takes time to show, of any server of answers.
OF_ANSWERS = {
    "liveness/first-event-late": Shown(heartbeat_s=9.0, options=CHAT),
    "liveness/gap-too-long": Shown(heartbeat_s=9.0, options=CHAT),
    "capacity/serves-few-at-once": Shown(heartbeat_s=6.0, options=("--pace", "0.06", "--slots", "1")),
    "end/marker-missing": Shown(heartbeat_s=4.0, options=CHAT),
    "end/open-after-marker": Shown(heartbeat_s=4.0, options=CHAT),
}
SHOWN: Mapping[Served, Mapping[str, Shown]] = {
    "task-progress": {},
    "event-stream": {
        "cleanup/half-open-held": Shown(options=FEED, vanished_s=2.0),
        "delivery/one-event-late": Shown(options=("--pace", "0.6")),
        "delivery/update-lost:after-quiet": Shown(options=("--pace", "0"), not_promised=SILENT),
        "liveness/heartbeat-missing": Shown(options=("--pace", "0"), not_promised=SILENT),
        "liveness/first-event-late": Shown(
            heartbeat_s=4.0, options=FEED
        ),  # read for longer than the 3 s that it promises
        "liveness/silent": Shown(heartbeat_s=3.0, options=("--pace", "0"), not_promised=SILENT),
        "liveness/goes-deaf": Shown(heartbeat_s=12.0, options=FEED),
        "liveness/gap-too-long": Shown(heartbeat_s=15.0, options=FEED),
        "end/cut-by-timeout": Shown(heartbeat_s=11.0, options=FEED),
        "end/cut-by-timeout:15": Shown(heartbeat_s=16.0, options=FEED),
        "end/cut-by-timeout:30": Shown(heartbeat_s=31.0, options=FEED),
        "end/cut-by-timeout:60": Shown(heartbeat_s=61.0, options=FEED),
        "resume/events-lost-on-resume": Shown(options=FEED, not_promised=("resume",)),
        "security/told-to-others": Shown(options=FEED, inboxes=True),
        "response/connection-field-in-http2": IN_HTTP2,
        "response/few-streams-in-http2": IN_HTTP2,
        "response/malformed-http2": IN_HTTP2,
        "wire/reset-in-http2": IN_HTTP2,
    },
    "chat-completions": {**OF_ANSWERS, "chat/retry-after-missing": Shown(options=(*CHAT, "--slots", "1"))},
    **{
        name: {
            **OF_ANSWERS,
            "capacity/serves-few-at-once": Shown(heartbeat_s=12.0, options=("--pace", "0.06", "--slots", "1")),
            "end/marker-missing:open": Shown(heartbeat_s=11.0, options=CHAT),
        }
        for name in MODELS
    },
}


def shown(row: Row) -> Shown:
    """Return what makes the fault show; of a variant, what is said of it or else of its code."""
    known = SHOWN[row.server]
    return known.get(row.fault) or known.get(row.code) or USUAL[row.server]


def rows(server: Served) -> list[Row]:
    """Return the faults of a server that break a rule of streams like its own."""
    return [row for code in faults_of(server) if (row := Row(server, code)).code in RULES]


def found(
    faults: tuple[str, ...],
    probes: Collection[str] = (),
    *,
    quick: bool = False,
    through: Callable[[str], str] = str,
    profile: Profile | None = None,
) -> dict[str, str]:
    """Check a server of tasks with the faults; return the codes of broken rules and what was said of each.

    Without ``probes`` all are played; without ``profile`` those of the rule that the first fault breaks are judged.
    ``through`` puts something before the server: it is given the base URL and returns the one to use.
    """
    with serving(_options("task-progress", faults, USUAL["task-progress"])) as server:
        target = described(through(server.base_url), server.pid)
        if (profile or profile_of(faults)) == "event-stream":
            target = as_any_stream(target)
        results, recording = _checked(target, probes, quick=quick)
    if not faults and not probes and not profile:
        assert not recording.notes, recording.notes
        if unseen := [code for code in not_observed(results) if not code.startswith(NOT_OF_TASKS)]:
            raise NotObservedError(unseen)
    return broken(results)


def checked(row: Row, probes: Collection[str] = (), *, quick: bool = False) -> dict[str, str]:
    """Check the row's server, as its own target file describes it; return as ``found`` does."""
    if row.server == "task-progress":
        return found((row.fault,), probes, quick=quick)
    return broken(results_of(row, probes, quick=quick))


def results_of(row: Row, probes: Collection[str] = (), *, quick: bool = False) -> list[Result]:
    """Check a server of the feed or of the chat, as its own target file describes it, and judge it by every rule."""
    how = shown(row)
    with serving(_options(row.server, (row.fault,) if row.fault else (), how)) as server:
        target = as_shipped(row.server, server, how.heartbeat_s)
        lifted = replace(target.promises, **dict.fromkeys(how.not_promised), vanished_s=how.vanished_s)
        target = with_inboxes(replace(target, promises=lifted)) if how.inboxes else replace(target, promises=lifted)
        results, recording = _checked(target, probes, quick=quick)
    assert row.fault or not recording.notes, recording.notes
    return results


async def checked_here(row: Row, **options: Any) -> dict[str, str]:
    """Check a server of language-model streams in this process, quickly; return as ``found`` does.

    A fault is asked for as `--only CODE` asks, and judged by that rule and those that may explain what it finds.
    """
    faults = (row.fault,) if row.fault else ()
    told = {"profile": row.server, "token": TOKEN, "allow_origin": [ORIGIN], "first_token": 0, "pace": 0, **options}
    async with start(faults, **told) as base_url:
        target = as_shipped(row.server, Server(base_url, os.getpid()), HEARTBEAT_S)
        recording = Recording()
        rules = [RULES[row.code]] if row.fault else None
        failures = await play(target, recording, Plan.of(target, quick=True, rules=rules), quick=True)
    assert not failures.of, failures.of
    assert row.fault or not recording.notes, recording.notes
    return broken(_judged(target, recording, with_causes(row.code) if row.fault else RULES))


def with_causes(code: str) -> dict[str, Rule]:
    """Return a rule, and those that it rests on, by their codes."""
    found: dict[str, Rule] = {}
    left = [code]
    while left:
        rule = RULES[left.pop()]
        found[rule.code] = rule
        named = {*rule.rests_on}
        left += [one for one, other in RULES.items() if {one, other.group} & named and one not in found]
    return found


def broken(results: Iterable[Result]) -> dict[str, str]:
    """Return the codes of broken rules, and what was said of each."""
    return {one.rule.code: one.summary for one in results if one.verdict in {"fail", "harness_error"}}


def not_observed(results: Iterable[Result]) -> list[str]:
    """Return the codes of rules whose situation did not come up."""
    return [one.rule.code for one in results if one.verdict == "not_observed"]


def _options(server: Served, faults: Iterable[str], how: Shown) -> list[str]:
    options = ["--profile", server, "--allow-origin", ORIGIN, "--token", TOKEN]
    options += ["--heartbeat", str(how.heartbeat_s / 2), *how.options]
    return options + [word for fault in faults for word in ("--fault", fault)]


def _checked(target: Target, probes: Collection[str], *, quick: bool) -> tuple[list[Result], Recording]:
    recording = Recording()
    chosen = [one for one in PROBES if not probes or one.name in probes]
    plan = Plan.of(target, quick=quick, probes=chosen)
    failures = asyncio.run(play(target, recording, plan, quick=quick))
    assert not failures.of, failures.of
    return _judged(target, recording), recording


def _judged(target: Target, recording: Recording, rules: Mapping[str, Rule] = RULES) -> list[Result]:
    return judge(
        recording.transcripts,
        rules=rules,
        profile=target.profile,
        limits=target.limits,
        promises=target.promises,
        hooks=hooks(target),
    )


def described(base_url: str, pid: int) -> Target:
    """Return the reference server as a target, with every hook it has."""
    target = as_shipped("task-progress", Server(base_url, pid), HEARTBEAT_S)
    return replace(target, limits=Limits(heartbeat_s=HEARTBEAT_S))


def as_shipped(server: Served, running: Server, heartbeat_s: float) -> Target:
    """Return a server as the target file beside it describes it, with every hook it has, as an event stream or tasks.

    ``heartbeat_s`` stands in place of the promised one, for streams are read for longer than that.
    """
    path = ROOT / "reference_server" / FOLDERS[server] / "ssegauge.toml"
    promised = server != "task-progress"
    target = from_toml(path.read_text(), str(path), {}, Given(insecure=True))
    ends = None if target.promises.ends and target.promises.ends.how == "never" else target.promises.ends
    return replace(
        target,
        base_url=running.base_url,
        headers={"Authorization": f"Bearer {TOKEN}"},
        origin=ORIGIN,
        observe=replace(target.observe, pid=running.pid),
        # With `ends = "never"` it would be watched for half a minute each time.
        promises=replace(target.promises, heartbeat_s=heartbeat_s, ends=ends) if promised else target.promises,
    )


def with_inboxes(target: Target) -> Target:
    """Return the feed as one in which each reader is told what is its own."""
    said = Call("/publish", "POST", json={"text": "{marker}", "inbox": "{inbox}"})
    return replace(
        target,
        before=(Before("/inboxes", "POST", keep={"inbox": "/inbox"}),),
        stream=Call("/events?inbox={inbox}", "GET"),
        publish=said,
        promises=replace(target.promises, shared=False),
    )


def profile_of(faults: tuple[str, ...]) -> Profile:
    """Return the profile in which the first fault breaks a rule."""
    return "event-stream" if faults and faults[0] in OF_ANY_STREAM else "task-progress"


def as_any_stream(target: Target) -> Target:
    """Start a task, and return its stream as one of which nothing is known but its address."""
    asked = json.dumps({"steps": 20, "interval_ms": 100}).encode()
    headers = {**target.headers, "Content-Type": "application/json"}
    request = Request(target.base_url + "/api/brand-monitor/tasks", asked, headers)
    with urlopen(request) as answer:
        stream = Call(target.stream.path.format(task_id=json.load(answer)["taskId"]), "GET")
    return Target(target.base_url, stream, "event-stream", target.headers, limits=target.limits, origin=target.origin)


def matrix(chosen: Iterable[Row]) -> dict[Row, dict[str, str]]:
    """Return, for every fault, the rules that it sets off."""
    chosen = list(chosen)
    with ProcessPoolExecutor(AT_ONCE, mp_context=FORKED) as pool:
        return dict(zip(chosen, pool.map(checked, chosen), strict=True))


def main() -> None:
    """Print the matrix."""
    print(HEADING)
    for server in PROFILES:
        print(TABLE.format(profile=server))
        for row, caught in matrix(rows(server)).items():
            others = ", ".join(f"`{other}`" for other in caught if other != row.code) or "–"
            print(f"| `{row.fault}` | {'yes' if row.code in caught else '**no**'} | {others} |", flush=True)


if __name__ == "__main__":
    main()
