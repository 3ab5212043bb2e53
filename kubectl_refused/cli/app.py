"""A typer app for one command, made from its table of options.

One app per command: a typer group with all options costs some 100 ms more (measured) for each start.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from kubectl_refused.errors import UsageProblem, shown

from .arguments import as_pflag
from .command import Command
from .options import Option


def invoke(command: Command, program: str, arguments: Sequence[str]) -> int:
    """Parse `arguments` and run the command; returns its exit code, 0 after --help. Raises UsageProblem."""
    name = f"{program} {command.name}".strip()
    try:
        parsed = as_pflag(arguments, command.options)
        result = typer.main.get_command(_app(command))(parsed, prog_name=name, standalone_mode=False)
    except Exception as error:
        # click's usage errors; typer 0.29 vendors click, so their class has no public name.
        if not hasattr(error, "format_message") or isinstance(error, UsageProblem):
            raise
        raise UsageProblem(_one_line(error.format_message()), f"see: {name} --help") from error
    return result if isinstance(result, int) else 0


def _one_line(message: str) -> str:
    return shown(" ".join(message.split()).rstrip("."))


def _app(command: Command) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
    app.command(cls=_Command, help=command.summary, epilog=command.details or None, context_settings=settings)(
        _callback(command)
    )
    return app


def _callback(command: Command) -> Any:
    """A function whose signature typer reads: `words` and one parameter per option."""

    def callback(**values: Any) -> int:
        words = values.pop("words", None) or []
        return command.run(words, values)

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
