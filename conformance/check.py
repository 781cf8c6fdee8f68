"""One conformance check, from a target to ``conformance.json``: play, judge, write.

Interrupted by Ctrl-C it judges and writes what was seen until then, and then lets KeyboardInterrupt go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.document import document
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.explain import named
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.own_rules import with_own
from ssegauge.conformance.play import Failures, Plan, Progress, play
from ssegauge.conformance.probes import hooks
from ssegauge.conformance.recording.capture import Recorded
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.rules import Rule, Source
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.seen import Spoken, View, foreign, spoken
from ssegauge.conformance.target import EVENT_STREAM, KNOWN, Profile, Promises, Target, pointer, promised

MOST_BASELINE = 1 << 20  # characters
# Its socket and its transcript; and what the interpreter, the event loop and storms of readers take: 48 were enough.
DESCRIPTORS_A_STREAM, SPARE_DESCRIPTORS = 2, 64


@dataclass(frozen=True, slots=True)
class Options:
    """What a check can be told."""

    strict: bool = False
    quick: bool = False
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    baseline: Path | None = None
    update_baseline: bool = False
    rules_files: Sequence[Path] = ()  # of the owner's own, Python
    parallel: int = 16  # streams at once, at most
    timeout_s: float = 120.0  # then what was seen is judged


def check(
    target: Target,
    folder: RunFolder,
    options: Options,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_plan: Callable[[Plan], None] = lambda _: None,
) -> tuple[dict[str, Any], list[str]]:
    """Check a server; return ``conformance.json``, which is also in the folder by then, and notes for the user.

    What is returned and raised holds no secret of the target's, like what is written.

    Raises CannotJudge when nothing can be judged, KeyboardInterrupt when interrupted.
    """
    make_room(options.parallel)
    rules = chosen(options)
    known = _known(options, rules)
    recording = Recording(folder.path / "transcripts", folder.redact)
    interrupted, failures = False, Failures()
    plan = Plan.of(
        target,
        quick=options.quick,
        parallel=options.parallel,
        timeout_s=options.timeout_s,
        rules=rules.values(),
    )
    try:
        progress = Progress(changed=on_progress)
        playing = play(target, recording, plan, quick=options.quick, progress=progress, on_plan=on_plan)
        failures = asyncio.run(_interruptible(playing))
    except (KeyboardInterrupt, asyncio.CancelledError):
        interrupted = True
    except CannotJudge as error:
        raise CannotJudge(folder.redact.text(str(error))) from None
    results = _judged(recording, target, rules, quick=options.quick)
    results += [_broke_down(name, error) for name, error in failures.of]
    remarks = suggestion(recording.transcripts, target.profile), unmatched(recording.transcripts, target)
    recording.remarks.extend(filter(None, remarks))
    if options.update_baseline and options.baseline:
        known = update_baseline(options.baseline, results)
    notes = [*recording.notes, *([recording.disk.failed] if recording.disk.failed else [])]
    made = document(
        results,
        profile=target.profile,
        strict=options.strict,
        transcripts=recording.transcripts,
        baseline=known,
        notes=notes,
        interrupted=interrupted,
    )
    folder.write("conformance.json", made)
    if interrupted:
        raise KeyboardInterrupt
    return folder.clean(made), [folder.redact.text(note) for note in (*made.get("notes", ()), *recording.remarks)]


def _known(options: Options, rules: Mapping[str, Rule]) -> tuple[str, frozenset[str]] | None:
    """Return the baseline as it is read; one that is only now to be written knows nothing yet."""
    if options.update_baseline and not options.baseline:
        raise CannotJudge("--update-baseline: name the file, as in --baseline known.txt")
    if options.update_baseline and options.baseline and not options.baseline.exists():
        return str(options.baseline), frozenset()
    return read_baseline(options.baseline, rules)


def make_room(parallel: int) -> None:
    """Raise the limit of open files to what a check takes; raise CannotJudge where that is not allowed.

    What could not be opened for want of descriptors would look like a server that refuses.
    """
    wanted = SPARE_DESCRIPTORS + DESCRIPTORS_A_STREAM * parallel
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        remedy = "raise `ulimit -Hn`, or give a smaller --parallel"
        raise CannotJudge(f"a check opens up to {wanted} files, and a process here may open only {hard}; {remedy}")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _interruptible(playing: Coroutine[Any, Any, Failures]) -> Failures:
    """Let the event loop itself see Ctrl-C: the handler of asyncio.run cancels in the midst of the loop's callbacks."""
    task = asyncio.current_task()
    with contextlib.suppress(ValueError, RuntimeError):  # outside the main thread no signal comes
        if task:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    return await playing


def judge_recorded(recorded: Recorded, options: Options, profile: Profile | None = None) -> dict[str, Any]:
    """Judge recorded transcripts, with no network, and return ``conformance.json``.

    Raises CannotJudge where they are of another profile than the one asked for.
    """
    if profile and (complaint := foreign(_form(recorded.transcripts), profile)):
        raise CannotJudge(complaint)
    profile = profile or recorded.profile or EVENT_STREAM
    rules = chosen(options)
    known = read_baseline(options.baseline, rules)
    promises = promised(profile, recorded.promises or Promises())
    results = judge(recorded.transcripts, profile=profile, limits=recorded.limits, promises=promises, rules=rules)
    return document(
        results,
        profile=profile,
        strict=options.strict,
        transcripts=recorded.transcripts,
        baseline=known,
        notes=recorded.notes,
    )


def _judged(recording: Recording, target: Target, rules: Mapping[str, Rule], *, quick: bool) -> list[Result]:
    return judge(
        recording.transcripts,
        profile=target.profile,
        limits=target.limits,
        promises=target.promises,
        hooks=hooks(target),
        quick=quick,
        rules=rules,
    )


def suggestion(transcripts: Iterable[Transcript], profile: Profile) -> str:
    """Return the line that names the profile of a language model's stream that was judged as any other; or nothing."""
    form = _form(transcripts) if profile == EVENT_STREAM else None
    if form is None or form.profile not in KNOWN:
        return ""
    return f"this is a {form.name} stream: --profile {form.profile} judges it by its own rules"


def unmatched(transcripts: Iterable[Transcript], target: Target) -> str:
    """Return the line that says that there is no text where the target, not its profile, says that it stands."""
    at = target.promises.token
    if at is None or at == promised(target.profile, Promises()).token:
        return ""
    views = [View(one) for one in transcripts if one.role == "stream"]
    told = [message.fields for view in views if view.is_event_stream for message in view.messages if message.fields]
    if not told or any(_leads_to(at, fields) for fields in told):
        return ""
    return f"promises.token = {at!r} matches nothing in {len(told):,} events; see an event with: ssegauge init URL"


def _leads_to(at: str, fields: Mapping[str, Any]) -> bool:
    try:
        return pointer(fields, at) is None or isinstance(pointer(fields, at), str)
    except LookupError:
        return False


def _form(transcripts: Iterable[Transcript]) -> Spoken | None:
    """Return the wire form of a language model's that the first stream with events has."""
    views = (View(one) for one in transcripts if one.role in {"stream", "capture"})
    return next((found for view in views if view.is_event_stream and (found := spoken(view.messages))), None)


def chosen(options: Options) -> Mapping[str, Rule]:
    """Return the rules that codes or groups choose, of ours and the owner's own.

    Raises CannotJudge for a name that is neither, and for a file of rules that cannot be used.
    """
    only, skip, rules = set(options.only), set(options.skip), with_own(options.rules_files)
    groups = {rule.group for rule in rules.values()}
    for name in sorted((only | skip) - groups):
        named(name, rules)
    found = {
        code: rule
        for code, rule in rules.items()
        if (not only or {code, rule.group} & only) and not {code, rule.group} & skip
    }
    if not found:
        raise CannotJudge("--only and --skip leave no rule to judge by")
    return found


def read_baseline(path: Path | None, rules: Mapping[str, Rule] = RULES) -> tuple[str, frozenset[str]] | None:
    """Return the file's name and the codes of known findings: one a line, # starts a remark.

    Raises CannotJudge, with the line.
    """
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_BASELINE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CannotJudge(f"--baseline {path}: cannot be read ({error})") from None
    if len(text) > MOST_BASELINE:
        raise CannotJudge(f"--baseline {path}: too long to be a list of rules; give one code a line")
    lines = text.split("\n")
    codes = {line.partition("#")[0].strip(): number for number, line in enumerate(lines, 1)}
    codes.pop("", None)
    for code, number in codes.items():
        if code not in rules:
            raise CannotJudge(f"{path}:{number}: no rule is named {code!r}; `ssegauge rules` lists them")
    return str(path), frozenset(codes)


def update_baseline(path: Path, results: Sequence[Result]) -> tuple[str, frozenset[str]]:
    """Write what fails now to a baseline, and take out what passes now; remarks and what was not judged stay.

    Returns what `read_baseline` will; raises CannotJudge where it cannot be written.
    """
    failed = [one.rule.code for one in results if one.verdict == "fail"]
    passed = {one.rule.code for one in results if one.verdict == "pass"}
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ["# Known findings, a rule a line."]
        kept = [line for line in lines if line.partition("#")[0].strip() not in passed]
        codes = [line.partition("#")[0].strip() for line in kept]
        new = [code for code in failed if code not in codes]
        path.write_text("\n".join([*kept, *new]) + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotJudge(f"--baseline {path}: cannot be written ({error.strerror})") from None
    return str(path), frozenset(filter(None, [*codes, *new]))


def _broke_down(name: str, error: Exception) -> Result:
    """Return a probe's own failure as a result: nothing may pass because the harness did not look."""
    rule = Rule(
        f"harness/{name}",
        "must",
        Source("profile", "ssegauge", "README.md", "a run that cannot judge must not pass"),
        title=f"The probe {name} runs.",
        why="What this probe would have shown was not looked at.",
        mend="Report this as a defect of ssegauge.",
        example="",
        needs=(),
        patient=False,
        only=None,
        check=lambda _: iter(()),
    )
    return Result(rule, "harness_error", f"{type(error).__name__}: {error}")
