"""Command lines as kubectl's parser (pflag) reads them, rewritten for typer's.

pflag takes `-n=shop`, `--insecure-skip-tls-verify=true` and `-v=6`; click takes `-n=shop` as the value
"=shop" and refuses the other two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_refused.errors import UsageProblem, shown

from .options import Option, find

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")  # strconv.ParseBool, in any case


def as_pflag(arguments: Sequence[str], options: tuple[Option, ...]) -> list[str]:
    """`arguments` in a spelling that means the same to click. Raises UsageProblem."""
    result: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*result, argument, *rest]
        name, equals, value = argument.partition("=")
        option = find(options, name)
        if option and not equals and option.metavar:
            result += [argument, *_next(rest)]
        elif option and equals:
            result = _with_value(result, option, value)
        else:
            result.append(argument)
    return result


def _next(rest: Iterator[str]) -> list[str]:
    """The option's value, which may look like anything; nothing at the end of the line (click says so)."""
    return [value for value in [next(rest, None)] if value is not None]


def _with_value(result: list[str], option: Option, value: str) -> list[str]:
    if option.metavar:
        return [*result, f"{option.name}={value}"]
    if value.lower() in _FALSE and option.short != "-v":
        return [argument for argument in result if argument not in option.names]
    if value.lower() in _TRUE or (option.short == "-v" and value.isdigit()):  # kubectl's -v takes a level
        return [*result, option.name]
    raise UsageProblem(f"{option.name}={shown(value)} is neither true nor false", f"type {option.name}")
