"""Every command of ours that a message names works as printed: the sources are searched, and each is parsed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_refused.cli.command import choose, names
from kubectl_refused.cli.parser import parse as parse_options
from kubectl_refused.errors import UsageProblem
from kubectl_refused.resolve.grammar import parse

ROOT = Path(__file__).parents[1]
# `kubectl refused` or what a variable has in its place, up to what ends a command in a sentence.
_COMMAND = re.compile(r"(?:kubectl|<[^>]*>) refused(?= |$)([^`;|\n\"]*)")
_SENTENCES = ("itself failed",)
# In the place of what a reader fills in, or a variable holds.
_STANDS = {"NAME": "web", "NAME:80": "web:80", "CODE": "KR403", "NS": "shop", "COMMAND": "true"}


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Every string literal with its line; what is put into an f-string stands as <…>."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "<value>" for p in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def commands_in(text: str) -> Iterator[str]:
    """The words behind `kubectl refused` of each command in a text."""
    for found in _COMMAND.finditer(text):
        words = found[1]
        if not any(words.strip().startswith(sentence) for sentence in _SENTENCES):
            yield re.split(r"\s{2,}|: | > ", words)[0].strip()


def printed() -> Iterator[tuple[str, str]]:
    """(place, words) of every command that the sources or the README print."""
    for file in sorted((ROOT / "kubectl_refused").rglob("*.py")):
        for line, text in texts(file):
            for words in commands_in(text):
                yield f"{file.relative_to(ROOT)}:{line}", words
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for number, told in enumerate(readme, 1):
        for words in commands_in(told.removeprefix("$ ")):
            yield f"README.md:{number}", words


PRINTED = sorted(dict.fromkeys(printed()))


def filled(word: str) -> str:
    """A word that a reader may type: with something in place of variables and capitals."""
    word = word.strip("[](),.").replace("<value>", "web").replace(":PORT", ":80")
    kind, slash, name = word.rpartition("/")
    return f"{kind}{slash}{_STANDS.get(name, name)}"


def check(words: str) -> None:
    """Raise where the command line is none."""
    typed = [filled(word) for word in words.split() if word.strip("[](),.")]
    command, rest = choose(typed)
    if command.follows:
        assert "--" in rest or "--help" in rest, f"{command.name} has no --"
        rest = rest[: rest.index("--")] if "--" in rest else rest
    parsed = parse_options(command, "kubectl refused", rest)
    if parsed is None:  # --help
        return
    assert not parsed.words or command.words, f"{command.name} takes no {parsed.words}"
    assert not command.known or set(parsed.words) <= set(command.known), f"{command.name} has no {parsed.words}"
    if not command.name:
        parse(parsed.words, namespace="")


@pytest.mark.parametrize(("place", "words"), PRINTED, ids=[place for place, _ in PRINTED])
def test_a_command_that_is_printed_works_as_printed(place: str, words: str) -> None:
    check(words)


def test_there_are_such_commands_and_wrong_ones_are_noticed() -> None:
    assert len(PRINTED) > 20
    for wrong in ("scna -A --nonsense", "scan web", "run web", "svc/web --al", "cleanup web", "secret/web"):
        with pytest.raises((AssertionError, UsageProblem)):
            check(wrong)


@pytest.mark.parametrize("name", [*names(), "run", "diagnose"])
def test_a_service_called_like_a_command_is_reachable(name: str) -> None:
    for words in ([f"svc/{name}"], ["svc", name], ["service", name], ["-n", "shop", f"svc/{name}:80"]):
        command, rest = choose(words)
        assert (command.name, rest) == ("", words)
    (target,) = parse([f"svc/{name}"], namespace="shop")
    assert (target.name, target.port) == (name, None)
