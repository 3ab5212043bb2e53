"""One command line read, by typer in kubectl's grammar (docs/decisions/0016), and run with the user's defaults."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.errors import UsageProblem, shown

from .arguments import apart, everything
from .command import Command
from .defaults import defaults
from .parser import parse


def invoke(command: Command, program: str, arguments: Sequence[str]) -> int:
    """Read `arguments` and run the command; returns its exit code, 0 after --help. Raises UsageProblem."""
    follows: list[str] = []
    if command.follows:
        arguments, follows = apart(arguments, f"{program} {command.name} -- {command.follows}")
    parsed = parse(command, program, arguments)
    if parsed is None:
        return 0
    if parsed.words and not command.words:
        raise _too_many(command, program, parsed.words[0])
    meant = {**defaults(command.options, parsed.typed), **parsed.typed}
    return command.run(follows or parsed.words, everything(meant, command.options))


def _too_many(command: Command, program: str, word: str) -> UsageProblem:
    """A word behind a command that takes none: mostly a Service, which the command was put in front of."""
    instead = f"leave it away; for a Service type {program} {word if '/' in word else f'svc/{word}'}"
    return UsageProblem(f"{command.name} takes no name, and {shown(word)} is one", shown(instead))
