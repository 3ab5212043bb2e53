"""One command line read and run; its help page comes from typer, made from the table of options.

typer and its option parser take 60 ms to load, and read `-n=shop` and `--flag=true` otherwise than kubectl: they
are here for --help only (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.errors import UsageProblem, shown

from .arguments import apart, everything, parse
from .command import Command
from .defaults import defaults


def invoke(command: Command, program: str, arguments: Sequence[str]) -> int:
    """Read `arguments` and run the command; returns its exit code, 0 after --help. Raises UsageProblem."""
    follows: list[str] = []
    if command.follows:
        arguments, follows = apart(arguments, f"{program} {command.name} -- {command.follows}")
    parsed = parse(arguments, command.options)
    if parsed.help:
        from .help import write_help

        return write_help(command, program)
    if parsed.words and not command.words:
        raise _too_many(command, program, parsed.words[0])
    meant = {**defaults(command.options, parsed.typed), **parsed.typed}
    return command.run(follows or parsed.words, everything(meant, command.options))


def _too_many(command: Command, program: str, word: str) -> UsageProblem:
    """A word behind a command that takes none: mostly a Service, which the command was put in front of."""
    instead = f"leave it away; for a Service type {program} {word if '/' in word else f'svc/{word}'}"
    return UsageProblem(f"{command.name} takes no name, and {shown(word)} is one", shown(instead))
