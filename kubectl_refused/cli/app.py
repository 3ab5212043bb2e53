"""One command line read, by typer in kubectl's grammar (docs/decisions/0016), and run with the user's defaults.

A line in which every option is known and whole needs no typer, which takes 30 to 60 ms.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from kubectl_refused.errors import UsageProblem, shown

from .arguments import Parsed, apart, everything, plainly
from .command import Command
from .defaults import defaults


def invoke(command: Command, program: str, arguments: Sequence[str]) -> int:
    """Read `arguments` and run the command; returns its exit code, 0 after --help. Raises UsageProblem."""
    follows: list[str] = []
    if command.follows:
        arguments, follows = apart(arguments, f"{program} {command.name} -- {command.follows}")
    parsed = _parsed(command, program, arguments)
    if parsed is None:
        return 0
    if strange := _strange(command, parsed.words):
        raise _too_many(command, program, strange, follows)
    meant = {**defaults(command.options, parsed.typed), **parsed.typed}
    return command.run(follows or parsed.words, everything(meant, command.options))


def _parsed(command: Command, program: str, arguments: Sequence[str]) -> Parsed | None:
    """What the line says; None when the help page was asked for and is written. Raises UsageProblem."""
    whole = plainly(arguments, command.options)
    if whole is not None:
        return whole
    from .parser import parse

    return parse(command, program, arguments)


def _strange(command: Command, words: Sequence[str]) -> Sequence[str]:
    """Words that the command does not take."""
    if command.known:
        return [word for word in words if word not in command.known] or words[1:]
    return () if command.words else words


def _too_many(command: Command, program: str, words: Sequence[str], follows: Sequence[str]) -> UsageProblem:
    """A word where none belongs: a part of the command that is to run, or a Service behind a command."""
    word = words[0]
    if follows:
        whole = shlex.join(["--", *words, *follows])
        told = f"{command.name} takes a command behind --, and {shown(word)} stands before it"
        return UsageProblem(told, shown(f"type {program} {command.name} {whole}"))
    instead = f"leave it away; for a Service type {program} {word if '/' in word else f'svc/{word}'}"
    return UsageProblem(f"{command.name} takes no name, and {shown(word)} is one", shown(instead))
