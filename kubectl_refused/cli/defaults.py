"""Defaults of the user's own: `KUBECTL_REFUSED_*` variables, and `defaults:` in `.kubectl-refused.yaml`.

A flag goes before a variable, a variable before the file, the file before what is built in. What is overridden is
not looked at, so that a flag helps against a bad default too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.patterns import lazily

from .arguments import truth
from .options import FILE_DEFAULTS, VARIABLE_DEFAULTS, Option, with_defaults

DEFAULT_FILE = ".kubectl-refused.yaml"
PREFIX = "KUBECTL_REFUSED_"
# Of `make` and of the tests: where they keep what they build, and which kubectl they take.
_OTHERS = ("CACHE", "KUBECTL", "CLUSTER_STATE")
# What the kubelet gives every container beside a Service that is called kubectl-refused.
_SERVICE_LINK = lazily(r"SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")
# What is typed and rules a default out, which then gives way.
_GIVES_WAY = {
    "wait": ("watch", "filename", "fix", "dry_run", "skim"),
    "output": ("dry_run",),
    "probe": ("skim",),
}


class Default(NamedTuple):
    """A value as it is written, how its option is spelt there, and for a file where that is."""

    value: str
    spelt: str
    at: str = ""


def defaults(
    options: tuple[Option, ...], typed: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Values for those of the options that are not typed and have a default. Raises UsageProblem."""
    if not with_defaults(options, VARIABLE_DEFAULTS):
        return {}
    variables = dict(_variables(environ))
    config = typed.get("config") or (variables["--config"].value if "--config" in variables else None)
    given = {**dict(_filed(config)), **variables}
    return {
        option.key: _value(option, given[option.name])
        for option in with_defaults(options, VARIABLE_DEFAULTS)
        if option.name in given and not {option.key, *_GIVES_WAY.get(option.key, ())} & typed.keys()
    }


def variable_of(name: str) -> str:
    """The variable of an option: KUBECTL_REFUSED_FAIL_ON of --fail-on."""
    return PREFIX + name.removeprefix("--").replace("-", "_").upper()


def key_of(name: str) -> str:
    """What an option is called in the file: fail-on."""
    return name.removeprefix("--")


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, Default]]:
    """(option, default) of each variable that is set; one that means nothing is a slip. Raises UsageProblem."""
    known = {variable_of(name): name for name in VARIABLE_DEFAULTS}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        rest = variable.removeprefix(PREFIX)
        if variable in known:
            if environ[variable]:
                yield known[variable], Default(environ[variable], f"{variable}=")
        elif rest not in _OTHERS and not _SERVICE_LINK.fullmatch(rest):
            raise UsageProblem(f"the variable {shown(variable)} means nothing", _meant(variable, list(known)))


def _meant(variable: str, known: list[str]) -> str:
    from kubectl_refused.trace.nearest import did_you_mean  # on the way to an error only

    rests = [name.removeprefix(PREFIX) for name in known]
    otherwise = f"unset it; known are {', '.join(known)}"
    return did_you_mean(variable.removeprefix(PREFIX), rests, otherwise, before=PREFIX)


def _filed(config: str | None) -> Iterator[tuple[str, Default]]:
    """(option, default) of each that the file has. Raises UsageProblem."""
    if config is None and not os.path.isfile(DEFAULT_FILE):
        return
    from .config_file import Place, is_null, mapping, read_config, scalar_of, sections_of

    data, file = read_config(config)
    node = sections_of(data, file).get("defaults")
    if node is None or is_null(node):
        return
    names = {key_of(name): name for name in VARIABLE_DEFAULTS}
    for key, value in mapping(node, file, "defaults", tuple(names)).items():
        place = Place(file, value)
        if names[key] not in FILE_DEFAULTS:
            place.wrong(f"a file has no default for {names[key]}", f"set {variable_of(names[key])}, or type it")
        if not is_null(value):
            yield names[key], Default(scalar_of(value, file, key), f"{key}: ", f"{place.at}: ")


def _value(option: Option, default: Default) -> Any:
    """What the default means. Raises UsageProblem that says whose value that is and what to write instead."""
    if not option.metavar:
        meant = truth(default.value)
        if meant is None:
            says = f"{default.at}{default.spelt}{shown(default.value)} is neither true nor false"
            raise UsageProblem(says, f"write {default.spelt}true")
        return meant
    try:
        _check(option, default.value)
    except UsageProblem as problem:
        # The checks speak of flags, `--probe some` or `--request-timeout=soon`.
        told = re.sub(rf"{option.name}[ =]", lambda found: default.spelt, problem.message)
        source = default.at or ("" if default.spelt in told else f"{default.spelt}{shown(default.value)}: ")
        raise UsageProblem(source + told) from problem
    return [default.value] if option.repeatable else default.value


def _check(option: Option, text: str) -> None:
    """Raise UsageProblem for what the option does not take."""
    from .choices import check_choices
    from .durations import seconds_of
    from .request import connection_of, dials_of

    check_choices({option.key: text}, (option,))
    if option.key == "wait":
        seconds_of(text, option.name)
    elif option.key == "dials":
        dials_of({option.key: text}, ())
    elif option.key == "request_timeout":
        connection_of({option.key: text})
    elif option.completes == "causes":
        from .scan_request import flagged

        flagged([text])
