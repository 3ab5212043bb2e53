"""Command lines as kubectl's parser (pflag's flag.go: parseLongArg, parseSingleShortArg) reads them, for click.

pflag takes `-n=shop`, `--insecure-skip-tls-verify=true` and `-v=6`; click, inside typer, takes `-n=shop` as the
value "=shop" and refuses the others. Pure; imports nothing heavy, since completion reads lines too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kubectl_refused.errors import UsageProblem, shown

from .options import Option, find

HELP = ("--help", "-h")
_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")  # strconv.ParseBool, in any case
_LEVELS = "-v"  # kubectl's takes a level: -v=6


class Parsed(NamedTuple):
    """The words, and what was typed of each option, by its key."""

    words: list[str]
    typed: dict[str, Any]


class Spelt(NamedTuple):
    """A line in a spelling that click takes, and the flags it switches off: click has no spelling for that."""

    line: list[str]
    off: list[str]


class _Said(NamedTuple):
    """What stands in one argument: an option with its value, if it has one; a word; or what is left to click."""

    spelt: str
    option: Option | None = None
    value: str | None = None
    word: bool = False


def as_pflag(arguments: Sequence[str], options: tuple[Option, ...]) -> Spelt:
    """`arguments` in a spelling that means to click what they mean to pflag. Raises UsageProblem."""
    line: list[str] = []
    flags: dict[str, bool] = {}
    for spelt, option, value, _ in _said(arguments, options):
        if option is None or (option.metavar and value is None):
            line.append(spelt)
        elif option.metavar:
            line.append(f"{option.name}={value}")
        else:
            meant = flags[option.key] = _switched(option, value)
            line += [option.name] if meant else []
    return Spelt(line, [key for key, meant in flags.items() if not meant])


def so_far(arguments: Sequence[str], options: tuple[Option, ...]) -> Parsed:
    """What a line says that is still being typed; whatever is odd in it is left out."""
    words: list[str] = []
    typed: dict[str, Any] = {}
    for spelt, option, value, word in _said(arguments, options):
        if word:
            words.append(spelt)
        elif option is not None and option.metavar and value is not None:
            typed[option.key] = [*typed.get(option.key, []), value] if option.repeatable else value
        elif option is not None and not option.metavar and _truth(option, value) is not None:
            typed[option.key] = _truth(option, value)
    return Parsed(words, typed)


def plainly(arguments: Sequence[str], options: tuple[Option, ...]) -> Parsed | None:
    """What a line says; None where it wants help, or something in it is not known or lacks its value.

    Raises UsageProblem for a flag that is neither true nor false.
    """
    for spelt, option, value, word in _said(arguments, options):
        if option is None and not word and spelt != "--":
            return None
        if option is not None and option.metavar and value is None:
            return None
        if option is not None and not option.metavar:
            _switched(option, value)
    return so_far(arguments, options)


def everything(typed: dict[str, Any], options: tuple[Option, ...]) -> dict[str, Any]:
    """A value for each option: what was typed, else False of a switch and None, whose meaning the reader knows."""
    return {option.key: typed.get(option.key, None if option.metavar else False) for option in options}


def apart(arguments: Sequence[str], what: str) -> tuple[list[str], list[str]]:
    """What stands before `--` and what behind it. Raises UsageProblem where there is none, but for --help."""
    if "--" not in arguments:
        if any(word in HELP for word in arguments):
            return list(arguments), []
        raise UsageProblem("a command stands behind two dashes, and there are none", f"type {what}")
    at = list(arguments).index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


def truth(text: str) -> bool | None:
    """Whether a text means yes or no; None for any other."""
    return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None


def _said(arguments: Sequence[str], options: tuple[Option, ...]) -> Iterator[_Said]:
    """Each thing said, up to a wish for help, which wins over whatever is behind it."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield _Said(argument)
            yield from (_Said(word, word=True) for word in rest)
        elif not argument.startswith("-") or argument == "-":
            yield _Said(argument, word=True)
        else:
            for said in _within(argument, options):
                waits = said.option is not None and said.option.metavar and said.value is None
                yield said._replace(value=next(rest, None)) if waits else said
                if said.option is None and said.spelt in HELP:
                    return


def _within(argument: str, options: tuple[Option, ...]) -> list[_Said]:
    """The options in one argument; as it is where it has one that is not known."""
    if not argument.startswith("--"):
        return _cluster(argument, options)
    name, equals, value = argument.partition("=")
    option = find(options, name)
    if option is None:
        return [_Said("--help" if name == "--help" else argument)]
    return [_Said(name, option, value if equals else None)]


def _cluster(argument: str, options: tuple[Option, ...]) -> list[_Said]:
    """`-wn`, `-wnshop`, `-n=shop`: flags, up to an option that takes a value."""
    found: list[_Said] = []
    letters = argument[1:]
    while letters:
        spelt, letters = f"-{letters[0]}", letters[1:]
        option = find(options, spelt)
        if option is None:
            return [_Said(spelt if spelt in HELP else argument)]
        if letters.startswith("=") or (letters and option.metavar) or (spelt == _LEVELS and letters.isdigit()):
            return [*found, _Said(spelt, option, letters.removeprefix("="))]
        found.append(_Said(spelt, option))
    return found


def _truth(option: Option, value: str | None) -> bool | None:
    return True if value is None or (option.short == _LEVELS and value.isdigit()) else truth(value)


def _switched(option: Option, value: str | None) -> bool:
    meant = _truth(option, value)
    if meant is None:
        raise UsageProblem(f"{option.name}={shown(value or '')} is neither true nor false", f"type {option.name}")
    return meant
