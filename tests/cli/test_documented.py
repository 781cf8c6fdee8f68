"""What the documentation tells people to type is there: commands with their options, and files for CI services."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from ssegauge.cli import whole
from ssegauge.cli.words import spelled_out
from ssegauge.reference_server import faults_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples" / "ci").iterdir())]
NAMES = "check|load|run|serve|judge|rules|report|compare|history|init"
COMMAND = re.compile(rf"(?<![\w./-])ssegauge ((?:{NAMES}) [^\n`|]*)")
UsageError = typer.BadParameter.__bases__[0]  # Typer's own copy of click has it


def commands() -> dict[str, Any]:
    found: dict[str, Any] = vars(typer.main.get_command(whole()))["commands"]
    return found


def documented() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if page.suffix == ".md" else [text]
        for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
            for found in COMMAND.finditer(line.partition("  #")[0]):
                yield str(page.relative_to(ROOT)), found[1].rstrip("'\" ") if page.suffix != ".md" else found[1]


DOCUMENTED = list(documented())


@pytest.mark.parametrize("name", commands())
def test_the_help_of_each_command_has_an_example_that_is_one(name: str) -> None:
    said = commands()[name].epilog or ""
    found = re.match(rf"Example: (?:.*\| )?ssegauge {name}( .*)?", said)
    assert found, said
    words = shlex.split(said.partition(f"ssegauge {name}")[2])
    commands()[name].make_context(name, words[: words.index("&&")] if "&&" in words else words)


def test_the_documentation_has_commands() -> None:
    assert len(DOCUMENTED) > 10


@pytest.mark.parametrize(("page", "command"), DOCUMENTED)
def test_a_documented_command_has_the_options_that_it_is_given(page: str, command: str) -> None:
    name, *words = spelled_out(shlex.split(command, comments=True))
    known = commands()[name]
    words = words[: next((at for at, word in enumerate(words) if word in {">", "&", "&&", "||", ";"}), len(words))]
    try:
        known.make_context(name, list(words))
    except UsageError as error:
        pytest.fail(f"{page}: {command}: {error}")


@pytest.mark.parametrize("words", [shlex.split(words, comments=True) for _, words in DOCUMENTED if "--fault " in words])
def test_a_documented_fault_is_one_of_its_profile(words: list[str]) -> None:
    profile = words[words.index("--profile") + 1] if "--profile" in words else "task-progress"
    asked = {word for option, word in itertools.pairwise(words) if option == "--fault" and word != "CODE"}
    assert asked <= {*faults_of(profile)}


FILES = {
    "action.yml": ["--builtin-schema", "vendor.github-actions"],
    "examples/ci/github.yml": ["--builtin-schema", "vendor.github-workflows"],
    "examples/ci/gitlab-ci.yml": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}


@pytest.mark.parametrize("file", FILES)
def test_files_for_ci_services_follow_the_schemas_of_these(file: str) -> None:
    done = CliRunner().invoke(check_jsonschema, [*FILES[file], str(ROOT / file)])
    assert done.exit_code == 0, done.output
