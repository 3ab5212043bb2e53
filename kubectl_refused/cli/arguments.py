"""Command lines as kubectl's parser reads them (pflag's flag.go: parseLongArg, parseSingleShortArg).

`-n=shop`, `-nshop`, `--insecure-skip-tls-verify=true`, `-wn shop` and options behind words mean there what they
mean here. Pure; imports nothing heavy.
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
    """The words, and what was typed of each option, by its key. `help` when somebody asks for it."""

    words: list[str]
    typed: dict[str, Any]
    help: bool = False


def parse(arguments: Sequence[str], options: tuple[Option, ...], *, strict: bool = True) -> Parsed:
    """What the arguments say. Raises UsageProblem of one line, unless what is odd is to be left out."""
    words: list[str] = []
    typed: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            words += rest
        elif not argument.startswith("-") or argument == "-":
            words.append(argument)
        else:
            try:
                for option, value in _read(argument, rest, options):
                    if option is None:
                        return Parsed(words, typed, help=True)
                    typed[option.key] = [*typed.get(option.key, []), value] if option.repeatable else value
            except UsageProblem:
                if strict:
                    raise
    return Parsed(words, typed)


def everything(typed: dict[str, Any], options: tuple[Option, ...]) -> dict[str, Any]:
    """A value for each option: what was typed, else what it has by itself."""
    return {option.key: typed.get(option.key, _absent(option)) for option in options}


def apart(arguments: Sequence[str], what: str) -> tuple[list[str], list[str]]:
    """What stands before `--` and what behind it. Raises UsageProblem where there is none, but for --help."""
    if "--" not in arguments:
        if any(word in ("-h", "--help") for word in arguments):
            return list(arguments), []
        raise UsageProblem("a command stands behind two dashes, and there are none", f"type {what}")
    at = list(arguments).index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


def truth(text: str) -> bool | None:
    """Whether a text means yes or no; None for any other."""
    return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None


def _absent(option: Option) -> Any:
    return (option.default or None) if option.metavar else False


_Pair = tuple[Option | None, Any]  # None stands for a wish for help


def _read(argument: str, rest: Iterator[str], options: tuple[Option, ...]) -> Iterator[_Pair]:
    """The options in one argument; `rest` has the value where the argument does not."""
    if argument.startswith("--"):
        name, equals, value = argument.partition("=")
        yield _one(name, value if equals else None, rest, options)
    else:
        yield from _cluster(argument, rest, options)


def _cluster(argument: str, rest: Iterator[str], options: tuple[Option, ...]) -> Iterator[_Pair]:
    """`-wn shop`, `-wnshop`, `-n=shop`: flags, up to an option that takes a value."""
    letters = argument[1:]
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        option = find(options, name)
        takes = letters.startswith("=") or (letters and option is not None and bool(option.metavar))
        if takes or (name == _LEVELS and letters.isdigit()):
            yield _one(name, letters.removeprefix("="), rest, options, argument)
            return
        yield _one(name, None, rest, options, argument)


def _one(
    name: str, value: str | None, rest: Iterator[str], options: tuple[Option, ...], argument: str = ""
) -> _Pair:
    """One option, spelt so, and its value; `value` is None where none is in the same argument."""
    option = find(options, name)
    if option is None:
        if name in HELP:
            return None, True
        raise _unknown(name, argument, options)
    if not option.metavar:
        return option, True if value is None else _truth(option, value)
    if value is None:
        value = next(rest, None)
    if value is None:
        raise UsageProblem(f"{name} lacks its value", f"type {name} {option.metavar}")
    return option, value


def _truth(option: Option, value: str) -> bool:
    meant = True if option.short == _LEVELS and value.isdigit() else truth(value)
    if meant is None:
        raise UsageProblem(f"{option.name}={shown(value)} is neither true nor false", f"type {option.name}")
    return meant


def _unknown(name: str, argument: str, options: tuple[Option, ...]) -> UsageProblem:
    from kubectl_refused.trace.nearest import did_you_mean  # on the way to an error only

    within = f" in {shown(argument)}" if argument and argument != name else ""
    known = [spelling for option in options for spelling in option.names if spelling.startswith("--")]
    instead = did_you_mean(name, [*known, "--help"], "--help lists what there is")
    return UsageProblem(f"there is no option {shown(name)}{within}", instead)
