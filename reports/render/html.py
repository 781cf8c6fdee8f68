"""A run as one self-contained HTML file.

Nothing in it is fetched: style, script and charts are embedded, and its Content Security Policy forbids every
load and every script but those whose hashes it names, so that even markup that slipped through could not run.
Everything a server sent passes `visible` or `prose` and jinja2's autoescape. Without JavaScript the page still
shows all but the charts and the filter.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ssegauge.reports import course, loaded, repeat, verdict, words
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.exchanges import MOST_EVIDENCE, Exchange, Place
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.headline import headline
from ssegauge.reports.render.visible import MARK, abbreviation, prose, visible
from ssegauge.reports.values import Figures

CONTROL = Markup('<span class="ctl">{}</span>')
LINKABLE = re.compile(r"https?://[^\s\"<>]+", re.ASCII)


def html(folder: RunFolder, figures: Figures, exchanges: Mapping[Place, Exchange] | None = None) -> str:
    """Return the report of a run as one HTML document; `exchanges` are those behind its findings."""
    scripts = [_asset("report.js")]
    styles = [_asset("report.css")]
    if figures.charts:
        scripts = [_uplot("uPlot.iife.js"), _asset("charts.js"), *scripts]
        styles = [_uplot("uPlot.min.css"), *styles]
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            folder=folder,
            run=folder.run,
            conformance=folder.conformance,
            load=folder.load,
            figures=figures,
            exchanges=exchanges or {},
            state=verdict.overall(folder),
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files and uPlot's
            policy=_policy(scripts),
            style=Markup("\n".join(styles)),  # noqa: S704 - likewise
        )
    )


def compared(template: str, **values: object) -> str:
    """Return a page on two runs: no script, no charts, and nothing fetched."""
    style = Markup(_asset("report.css"))  # noqa: S704 - our own file
    return _environment().get_template(template).render(style=style, **values)


def bytes_shown(excerpt: str) -> Markup:
    """Return evidence as escaped HTML, with each pictured character set apart from text."""
    pieces, start = [Markup()], 0
    text = visible(excerpt)
    for found in MARK.finditer(text):
        pieces += [Markup.escape(text[start : found.start()]), CONTROL.format(abbreviation(found[0]))]
        start = found.end()
    return Markup().join([*pieces, Markup.escape(text[start:])])


def link(source: Document) -> Markup:
    """Return a source as a link where it has a web address, as text otherwise."""
    title, url = prose(source["title"]), prose(source["url"])
    if LINKABLE.fullmatch(url):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, title)
    return Markup("{} <code>{}</code>").format(title, url)


def script_json(text: str) -> Markup:
    """Return JSON that nothing can end the surrounding script element with."""
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped


def _ms(value: float) -> str:
    return words.quantity(value, "ms")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ssegauge.reports.render", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {"bytes": bytes_shown, "link": link, "script_json": script_json, "ms": _ms}
    environment.globals |= {
        "verdict": verdict,
        "words": words,
        "course": course,
        "loaded": loaded,
        "headline": headline,
        "repeat": repeat,
    }
    environment.globals |= {"most_evidence": MOST_EVIDENCE}
    return environment


def _finalize(value: Any) -> Any:  # noqa: ANN401 - jinja2 hands over every value the template prints
    return prose(value) if type(value) is str else value


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _asset(name: str) -> str:
    return resources.files("ssegauge.reports.render").joinpath("page", name).read_text("utf-8")


def _uplot(name: str) -> str:
    """Return a file of uPlot, which the package uplot-python brings; importing that would bring IPython along."""
    spec = find_spec("uplot")
    if spec is None or spec.origin is None:
        raise BadRunFolder("the report's charts need uPlot; install it with: pip install 'ssegauge[report]'")
    return Path(spec.origin).with_name("static").joinpath(name).read_text("utf-8")
