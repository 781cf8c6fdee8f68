"""What happened in a run, in a sentence or two for people: the worst first, and by name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.render.visible import prose

UNFINISHED = "The run did not finish: only what was measured until then is shown."
CONFORMANCE = {
    "pass": "The server speaks the protocol right",
    "fail": "The conformance check failed",
    "could_not_judge": "Conformance could not be judged",
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
BACK, AT_ONCE = "performance/back-after-cut", "performance/answers-at-once"
FINISHED = "performance/answers-finished"
STATUS = "status "
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
        yield f"{CONFORMANCE[conformance['verdict']]}{words.but_for_known(conformance)}."
    if conformance["verdict"] == "could_not_judge" and (why := _unsure_of(conformance)):
        yield _sentence(why)


def _unsure_of(conformance: Document) -> str:
    """Return why conformance could not be judged, where that is known."""
    if conformance.get("notes"):
        return str(conformance["notes"][0])
    unsure = [one for state, one in verdict.by_state(conformance) if state in {"harness_error", "not_judged"}]
    told = ((one, words.because(one) if one.get("because") else words.says(one)) for one in unsure)
    return next((f"rule {one['rule']}: {why}" for one, why in told), "")


def _sentence(text: str) -> str:
    told = prose(text).rstrip(".")
    return f"{told[:1].upper()}{told[1:]}."


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
        yield from () if is_ours or load["verdict"] == "pass" else _why_unsure(load)


def _why_unsure(load: Document) -> Iterator[str]:
    """Yield why the first objective could not be judged: by name, unless that is so of all of them."""
    unsure = next((one for one in load["objectives"] if one["verdict"] == "could_not_judge" and one.get("note")), None)
    if unsure:
        of_all = all(one.get("note") == unsure["note"] for one in load["objectives"])
        yield _sentence(unsure["note"] if of_all else f"{words.title(unsure)}: {unsure['note']}")


def _of_streams(one: Mapping[str, Any], load: Document) -> str:
    if one["rule"] == BACK:
        return f"After a cut {one['value']:,.0f} of {one['samples']:,} streams did not come back."
    how = words.turns(one["value"], (load.get("requests") or {}).get("at_a_time"))
    return f"It {how}; {one['limit']:,.0f} at once were wanted."


def _missed(one: Mapping[str, Any], load: Document) -> str:
    if one["rule"] == words.CONCURRENT and (failed := words.refused(one, load)):
        return f"{one['value']:,.0f} streams were open at once, and {failed}."
    if one["rule"] == words.CONCURRENT:
        return f"Of the streams {words.lasted(load)}; {one['limit']:,.0f} at once were wanted."
    if one["rule"] == FINISHED and (asked := load.get("requests")):
        return _unanswered(asked)
    if one["rule"] in {BACK, AT_ONCE} and one["value"] is not None:
        return _of_streams(one, load)
    if one["rule"] in COUNTED and one["value"] is not None:
        was = "was" if one["value"] == 1 else "were"
        return f"{words.quantity(one['value'], one['unit'])} {was} {COUNTED[one['rule']]}."
    return f"{words.title(one)} was {words.measured(one, load)}, and the limit is {words.limit(one)}."


def _unanswered(asked: Mapping[str, Any]) -> str:
    """Return how many requests got no whole answer, and for what: a status, where one refused them."""
    statuses = {why.removeprefix(STATUS): many for why, many in asked["reasons"].items() if why.startswith(STATUS)}
    broken, refused = asked["failed"] + asked["cut"], sum(statuses.values())
    what = "were refused" if refused else "got no whole answer"
    why = ", ".join(map(prose, statuses or list(asked["reasons"])[:1]))
    return f"{refused or broken:,} of {asked['finished'] + broken:,} requests {what}{': ' * bool(why)}{why}."


def _listed(rules: Sequence[str]) -> str:
    """Return the first rule by name, and how many more there are."""
    more = len(rules) - 1
    return rules[0] + (f" and {more} more {'rule' if more == 1 else 'rules'}" if more else "")
