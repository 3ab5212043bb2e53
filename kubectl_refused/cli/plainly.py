"""Most command lines, read without typer: loading it takes 80 ms, half of what a diagnosis of an address may take.

What is not plain (--help, a misspelt option, a missing value, -nNAME) is left to typer, which has words for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .command import Command
from .options import Option, find


def plainly(arguments: Sequence[str], command: Command) -> tuple[list[str], dict[str, Any]] | None:
    """The words and values that typer would give the command; None where only typer can tell."""
    words: list[str] = []
    values: dict[str, Any] = {option.key: _default(option) for option in command.options}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        option = find(command.options, name)
        if option is None or (equals and not option.metavar):
            return None
        if option.metavar and not equals:
            given = next(rest, None)
            if given is None:
                return None
            value = given
        _note(values, option, value)
    return None if words and not command.words else (words, values)


def _default(option: Option) -> Any:
    if not option.metavar:
        return False
    return None if option.repeatable else option.default or None


def _note(values: dict[str, Any], option: Option, value: str) -> None:
    if not option.metavar:
        values[option.key] = True
    elif option.repeatable:
        values[option.key] = [*(values[option.key] or ()), value]
    else:
        values[option.key] = value
