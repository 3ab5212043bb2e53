"""A typer app for one command, made from its table of options: it parses the command line and writes its help.

One app per command: a typer group with all options costs some 100 ms more (measured) for each start.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from kubectl_refused.errors import UsageProblem, shown

from .arguments import Parsed, as_pflag
from .command import Command
from .options import Option, find


def parse(command: Command, program: str, arguments: Sequence[str]) -> Parsed | None:
    """What the arguments say; None when the help page was asked for and is written. Raises UsageProblem."""
    name = f"{program} {command.name}".strip()
    line, off = as_pflag(arguments, command.options)
    app = typer.main.get_command(_app(command))
    try:
        # --help makes it 0. Not standalone: typer would print its own words and exit.
        values = app(list(line), prog_name=name, standalone_mode=False)
    except TyperException as error:
        # typer vendors click, whose classes have no public names: what they carry tells them apart.
        raise _problem(getattr(error, "option_name", ""), line, command.options) from error
    if not isinstance(values, dict):
        return None
    words = list(values.pop("words") or ())
    typed = {key: value for key, value in values.items() if value is not None}
    return Parsed(words, {**typed, **dict.fromkeys(off, False)})


def _problem(name: str, line: Sequence[str], options: tuple[Option, ...]) -> UsageProblem:
    """What is wrong with the option of that spelling, in one line: it lacks its value, or there is none such."""
    from kubectl_refused.trace.nearest import did_you_mean  # on the way to an error only

    option = find(options, name)
    if option is not None:
        return UsageProblem(f"{name} lacks its value", f"type {name} {option.metavar}")
    # Letters that stand together come to click as they were typed only if one of them is not known.
    clusters = (argument for argument in line if argument[:1] == "-" != argument[1:2] and len(argument) > 2)
    whole = next(clusters, name) if len(name) == 2 else name
    known = [spelling for option in options for spelling in option.names if spelling.startswith("--")]
    instead = did_you_mean(name, [*known, "--help"], "--help lists what there is")
    return UsageProblem(
        f"there is no option {shown(name)}{f' in {shown(whole)}' if whole != name else ''}", instead
    )


def _app(command: Command) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
    app.command(
        cls=_Command,
        help=command.summary,
        epilog=command.details or None,
        context_settings=settings,
        options_metavar=_usage(command),
    )(_callback(command))
    return app


def _usage(command: Command) -> str:
    words = f" [{command.words}]..." if command.words else ""
    return f"[OPTIONS] -- {command.follows}" if command.follows else f"[OPTIONS]{words}"


def _callback(command: Command) -> Any:
    """A function whose signature typer reads: `words` and one parameter per option. It gives back what was typed.

    Every command has words here, as one that takes none has to say so in words of its own.
    """

    def callback(**values: Any) -> dict[str, Any]:
        return values

    words = Annotated[list[str] | None, typer.Argument(metavar=command.words or None, show_default=False)]
    parameters = [_keyword("words", words), *(_parameter(option) for option in command.options)]
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {p.name: p.annotation for p in parameters}
    return callback


def _parameter(option: Option) -> inspect.Parameter:
    """What was not typed is None: only then a default of the user's comes in (cli/defaults.py)."""
    info = typer.Option(
        *option.names[::-1],
        metavar=option.metavar or None,
        help=option.help + (f"  [default: {option.default}]" if option.default else ""),
        show_default=False,
        rich_help_panel=option.group or None,
    )
    kind: Any = list[str] if option.repeatable else str if option.metavar else bool
    return _keyword(option.key, Annotated[kind | None, info])


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


class _AsTyped:
    """What typer calls a runtime parameter, without any coercion."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as it is."""
        return value


class _Command(TyperCommand):
    """Help with a section per group of options, and values left as they were typed.

    Texts, lists of texts and flags are all we declare, while typer 0.29 builds a pydantic adapter for each
    option of a command line, which takes 170 ms in all.
    """

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the usage line has behind the command, as we say it (_usage)."""
        return [self.options_metavar or ""]

    def get_params(self, ctx: Any) -> Any:
        """All parameters, the one for --help too."""
        parameters: Any = super().get_params(ctx)
        for parameter in parameters:
            parameter.get_runtime_param = _AsTyped
        return parameters

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the option sections; click would list all 30 in one."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and parameter.param_type_name == "option":
                group = getattr(parameter, "rich_help_panel", None) or "Options"
                sections.setdefault(group, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=34)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the epilog as it is; click would rewrap its examples into one paragraph."""
        if self.epilog:
            formatter.write("\n" + inspect.cleandoc(self.epilog) + "\n")
