"""What happened in a run, in a sentence or two for people: the worst first, and by name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.render.visible import prose

UNFINISHED = "The run did not finish: only what was measured until then is shown."
CONFORMANCE = {
    "pass": "The server speaks the protocol right.",
    "fail": "The conformance check failed.",
    "could_not_judge": "Conformance could not be judged.",
}
LOAD = {
    "pass": "It held up under load.",
    "fail": "It did not hold up under load.",
    "could_not_judge": "Whether it holds up under load could not be judged.",
}
SATURATED = "The load generator was the limit, so whether the server holds up could not be judged."
CREDENTIALS = "Streams were refused under load for want of credentials."
COUNTED = {
    "performance/answers-empty": "empty",
    "performance/event-lost": "lost",
    "performance/event-duplicated": "duplicated",
    "performance/event-reordered": "out of order",
    "performance/event-checks": "found wrong",
    "performance/missed-while-away": "told while readers were away and never reached them",
    "performance/stream-silent": "silent while others were told",
}
BACK = "performance/back-after-cut"
AT_ONCE = "performance/answers-at-once"
BROKEN = "performance/breaks-under-load"


def headline(folder: RunFolder) -> str:
    """Return the run's verdict in a sentence or two, for people."""
    said = [*_of_conformance(folder.conformance), *_of_load(folder.load)]
    if not verdict.is_finished(folder):
        said.append(UNFINISHED)
    return " ".join(said) or "Nothing was judged."


def _of_conformance(conformance: Document | None) -> Iterator[str]:
    if conformance is None:
        return
    broken = [result["rule"] for state, result in verdict.by_state(conformance) if state == "fail"]
    stale = conformance.get("baseline", {}).get("stale") if conformance["verdict"] == "fail" else ()
    if broken:
        yield f"The server speaks the protocol wrong: {_listed(broken)}."
    if stale:
        yield f"The baseline is stale: {_listed(stale)} is found no more; take it out."
    if not (broken or stale):
        yield CONFORMANCE[conformance["verdict"]]
    if conformance["verdict"] == "could_not_judge" and conformance.get("notes"):
        yield prose(conformance["notes"][0]).rstrip(".") + "."


def _of_load(load: Document | None) -> Iterator[str]:
    if load is None:
        return
    found = verdict.findings(load) if load["verdict"] == "fail" else ()  # else the way to the stream may be wrong
    broken = [one["rule"] for one in found if verdict.severity(one, strict=False) == "fail"]
    if broken:
        yield f"It speaks the protocol wrong under load: {_listed(broken)}."
    missed = [one for one in load["objectives"] if one["verdict"] == "fail" and not (broken and one["rule"] == BROKEN)]
    yield from (_missed(one, load) for one in missed)
    if load["verdict"] != "pass" and words.asks_for_credentials(load):
        yield CREDENTIALS
    elif not (broken or missed):
        is_ours = load["generator"]["saturated"] and load["verdict"] != "pass"  # what passed rests on none of it
        yield SATURATED if is_ours else LOAD[load["verdict"]]


def _missed(one: Mapping[str, Any], load: Document) -> str:
    if one["rule"] == words.CONCURRENT and (failed := words.refused(one, load)):
        return f"{one['value']:,.0f} streams were open at once, and {failed}."
    if one["rule"] == words.CONCURRENT:
        return f"Of the streams {words.lasted(load)}; {one['limit']:,.0f} at once were wanted."
    if one["rule"] == BACK and one["value"] is not None:
        return f"After a cut {one['value']:,.0f} of {one['samples']:,} streams did not come back."
    if one["rule"] == AT_ONCE and one["value"] is not None:
        how = words.turns(one["value"], (load.get("requests") or {}).get("at_a_time"))
        return f"It {how}; {one['limit']:,.0f} at once were wanted."
    if one["rule"] in COUNTED and one["value"] is not None:
        was = "was" if one["value"] == 1 else "were"
        return f"{words.quantity(one['value'], one['unit'])} {was} {COUNTED[one['rule']]}."
    return f"{words.title(one)} was {words.measured(one, load)}, and the limit is {words.limit(one)}."


def _listed(rules: Sequence[str]) -> str:
    """Return the first rule by name, and how many more there are."""
    more = len(rules) - 1
    return rules[0] + (f" and {more} more {'rule' if more == 1 else 'rules'}" if more else "")
