"""What a command is, and how the first word of a command line chooses one.

One file per command in cli/commands/, named like the command; `diagnose` is the one without a word. Nothing
heavy is imported here or at the top of those files, since completion and --help read them too.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .options import CONNECTION, DIAGNOSIS, SCAN, Option, find

Values = Mapping[str, Any]
DEFAULT = "diagnose"
BY_ITSELF = "refused"  # the program for who has no kubectl
TEXT = "error_text"  # the command of the word `-`


class Command(NamedTuple):
    """One command. `words` is the metavar of its positional arguments, empty where it takes none.

    `follows` is the metavar of what stands behind `--` and is not ours to parse: then that is its arguments.

    `known` are the only words it takes, one of them; without it any are taken.

    `run` gets those arguments and a value for each option's key; it returns the exit code and may raise
    RefusedError or ConnectionProblem, which the caller shows as one line.
    """

    name: str
    summary: str
    words: str
    options: tuple[Option, ...]
    run: Callable[[Sequence[str], Values], int]
    details: str = ""
    follows: str = ""
    known: tuple[str, ...] = ()


def names() -> list[str]:
    """Every command a first word can choose."""
    import pkgutil

    from . import commands

    return sorted(m.name for m in pkgutil.iter_modules(commands.__path__) if m.name not in (DEFAULT, TEXT))


def load(name: str) -> Command:
    """The command of that name."""
    command: Command = importlib.import_module(f"{__package__}.commands.{name}").COMMAND
    return command


def choose(arguments: Sequence[str]) -> tuple[Command, list[str]]:
    """The command that the first word names, with the arguments after it; otherwise the diagnosis with all.

    A Service that is called like a command is asked about as svc/NAME.
    """
    at = _first_word(arguments)
    first = arguments[at] if at < len(arguments) else ""
    if first == "-":
        return load(TEXT), [*arguments[:at], *arguments[at + 1 :]]
    # Most first words (svc/web, web-1) cannot be a command, so the package is not even listed.
    if first.isascii() and first.isidentifier() and first in names():
        return load(first), [*arguments[:at], *arguments[at + 1 :]]
    return load(DEFAULT), list(arguments)


def _first_word(arguments: Sequence[str]) -> int:
    """The place of the first argument that is no option and no option's value, as people put -n before a command.

    The number of arguments where there is none.
    """
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "-":
        if arguments[at] == "--":
            return len(arguments)
        option = find(DIAGNOSIS + CONNECTION + SCAN, arguments[at])
        at += 2 if option and option.metavar else 1
    return at


def program_name(argv0: str) -> str:
    """How a person started us, for usage texts.

    kubectl runs plugins by their full path, so a name that starts with `kubectl-` says nothing about who
    typed what; Krew's guide asks for `kubectl NAME` then.
    """
    base = os.path.basename(argv0).removesuffix(".exe")
    if base.startswith("kubectl-"):
        return "kubectl " + base.removeprefix("kubectl-").replace("_", "-")
    return BY_ITSELF if base == BY_ITSELF else "python -m kubectl_refused"
