"""What `ssegauge check` does to a server, probe by probe.

python -m tests.what_check_does           prints the page as Markdown (docs/what-check-does.md)
"""

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.play import PARALLEL, TIMEOUT_S
from ssegauge.conformance.probes import Probe
from ssegauge.conformance.probes.probe import Stage

STAGES: dict[Stage, str] = {
    "first": "First of all, alone",
    "together": "Then, side by side",
    "alone": "Then, one after the other",
    "last": "At the very end, when nobody else is there",
    "patient": "Beside all others, for longer",
}
KINDS = {
    "plain": "streams of no tasks",
    "tasks": "streams of tasks",
    "update": "`[publish]` or the hooks of tasks",
    "gets": "streams by GET",
    "cheap": "no language model's streams",
    "generation": "a language model's streams",
    "observe": "`[observe]`",
}
HELLO = (
    "Open one stream, to learn whether there is anything to judge. Where the answer is a redirect to another address of"
    " this server, ask once more whether it is, and then there, which may lead on five times."
)
HEADING = f"""# What `ssegauge check` does to a server

It opens streams and reads them, comes back to them, leaves them, and asks some odd requests. It says beforehand how
many requests it will make at most, and how many streams a probe has open at once; `--parallel N` ({PARALLEL}) bounds
how many streams are open at any time, `--timeout SECONDS` ({TIMEOUT_S:g}) how long it all takes: then what was seen
is judged. A server that was seen to serve fewer streams at once is asked for no more than that.

**May it be run on production?** Without hooks a check of a stream that is read by GET changes nothing: it costs the
server at most the streams and requests below, some of which it has to refuse. It will show in logs and alarms on 4xx
answers. Where each stream costs work (another method than GET), few are opened: `hello`, three at once, and one that
names another origin. Where each costs money, as those of a language model do (`--profile chat-completions`, or
`promises.token` of any stream that is asked for by another method than GET), there are three in all and one more if a
request that ought to be refused is taken for a good one; how many requests and generations it will be is said before
the first, and that number is exact. Where only the first event of `hello` says that a language model makes it (`check
URL` without a profile), it is left there, two more are read and the same odd requests made, and the numbers are said
then. `--only wire`, or any choice of rules that one whole stream can show, asks once.
With hooks it does what the hooks do: it starts tasks and moves them (`[task.*]`), it says things on the stream that all
its readers see (`[publish]`), among them texts with line breaks and quotes, and `[observe] pid` has it come and go
some 240 times. Give hooks of a test system, or of a channel made for it. `--quick` leaves out what is marked so;
else `--only` and `--skip` choose among rules, not among requests.

**What it does not see:** what befalls the very first reader after a start alone, for `hello` leaves with the first
bytes; and a fault of one request in many that meets none of these.

| probe | needs | streams at once | requests | `--quick` | what it does |
|---|---|---|---|---|---|
| hello | | 1 | 1 | yes | {HELLO} |"""


def row(one: Probe) -> str:
    """One probe as a row of the table."""
    needs = ", ".join(KINDS.get(name, f"`[{name}]`") for name in one.needs)
    quick = "" if one.long else "yes"
    return f"| {one.name} | {needs} | {one.streams} | {one.asks} | {quick} | {one.does} |"


def page() -> str:
    """The whole page."""
    lines = [HEADING]
    for stage, title in STAGES.items():
        lines.append(f"| **{title}** | | | | | |")
        lines += [row(one) for one in PROBES if one.stage == stage]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
