"""Rules of an owner's own, as docs/own-rules.md has them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.document import document
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.judge import judge
from ssegauge.conformance.own_rules import with_own
from ssegauge.conformance.rules.rule import RULES as REGISTERED
from ssegauge.reports import schema
from tests.corpus.build import exchange

DOCS = Path(__file__).parents[2] / "docs" / "own-rules.md"
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = dict(REGISTERED)
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my_rules.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("data", "verdict"), [(b"data: <b>done</b>\n\n", "fail"), (b"data: done\n\n", "pass")])
def test_the_example_of_the_documentation_judges(tmp_path: Path, data: bytes, verdict: str) -> None:
    rules = with_own([written(tmp_path, EXAMPLE)])

    (result,) = [one for one in judge([exchange(data)], rules=rules) if one.rule.code == "house/no-html"]

    assert (result.verdict, result.level) == (verdict, "should")
    schema.validate("conformance", document([result], profile="event-stream"))
    assert set(rules) == {*RULES, "house/no-html"}


def test_a_file_may_import_its_neighbours_and_hides_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "forbidden_words.py").write_text('WORDS = ("<b>",)')
    (tmp_path / "wsgiref.py").write_text('raise ValueError("mine")')
    assert "house/no-html" in with_own([written(tmp_path, f"import forbidden_words, wsgiref.util\n{EXAMPLE}")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero (line 1)"),
        ("import sys\nsys.exit(0)", "SystemExit: 0 (line 2)"),
        ("x = 1", "no rule in it"),
        (EXAMPLE.replace("house/no-html", "wire/field-case"), "there is a rule 'wire/field-case' already"),
        (EXAMPLE.replace("house/no-html", "No Html"), "is no code; write group/name"),
        (EXAMPLE.replace("    Mend: ", "    Remedy: "), "lacks mend"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        with_own([written(tmp_path, text)])

    assert said in str(caught.value)
    assert "my_rules.py" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="no such file"):
        with_own([tmp_path / "none.py"])
