"""The help page of a command, written by typer from its table of options.

One app per command: a typer group with all options costs some 100 ms more (measured).
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from .command import Command
from .options import Option


def write_help(command: Command, program: str) -> int:
    """Write the page to stdout; returns 0."""
    name = f"{program} {command.name}".strip()
    typer.main.get_command(_app(command))(["--help"], prog_name=name, standalone_mode=False)
    return 0


def _app(command: Command) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
    usage = f"[OPTIONS] -- {command.follows}" if command.follows else "[OPTIONS]"
    app.command(
        cls=_Command,
        help=command.summary,
        epilog=command.details or None,
        context_settings=settings,
        options_metavar=usage,
    )(_callback(command))
    return app


def _callback(command: Command) -> Any:
    """A function whose signature typer reads: `words` and one parameter per option. It is never called."""

    def callback(**values: Any) -> None:
        raise AssertionError("typer writes help only")

    parameters = [_parameter(option) for option in command.options]
    if command.words:
        words = Annotated[list[str] | None, typer.Argument(metavar=command.words, show_default=False)]
        parameters.insert(0, _keyword("words", words, None))
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {p.name: p.annotation for p in parameters}
    return callback


def _parameter(option: Option) -> inspect.Parameter:
    info = typer.Option(
        *option.names[::-1],
        metavar=option.metavar or None,
        help=option.help,
        show_default=bool(option.default),
        rich_help_panel=option.group or None,
    )
    if not option.metavar:
        return _keyword(option.key, Annotated[bool, info], False)
    if option.repeatable:
        return _keyword(option.key, Annotated[list[str] | None, info], None)
    return _keyword(option.key, Annotated[str | None, info], option.default or None)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


class _Command(TyperCommand):
    """Help with a section per group of options."""

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
