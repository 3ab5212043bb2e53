"""The command line of a scan as a Request, with the rules of what to ignore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from kubectl_refused.causes.names import cause_called, instead_of
from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import Depth
from kubectl_refused.resolve.selectors import check_selector, parse_selector
from kubectl_refused.trace.ignores import IgnoreRule, Ignores

from .choices import check_choices
from .command import Values
from .config_file import read_config
from .options import Option
from .reports import metrics_file_of
from .request import Request, Scanning, check_lasting, connection_of, files_of, shared_of
from .rules_file import Rules, rules_of


def scan_request_of(values: Values, options: tuple[Option, ...], *, containers: bool = False) -> Request:
    """The Request. Raises UsageProblem."""
    check_choices(values, options)
    connection = connection_of(values)
    typed = flagged(values.get("ignore") or ())
    filed = _filed(values.get("config"))
    files = files_of(values)
    values = _skimming(values, files=bool(files), containers=containers)
    if containers:
        _check_of_cluster(values)
    shared = shared_of(values, connection, files=bool(files))
    if files:
        parse_selector(values.get("selector") or "")
        if shared["wait"] is not None or shared["watch"]:
            check_lasting(values, files=True)
    scanning = Scanning(
        namespace="" if values.get("all_namespaces") else None,
        selector=check_selector(values.get("selector") or "", "-l"),
        fail_on=values.get("fail_on") or "proved",
        ignores=Ignores((*typed, *filed.rules), annotations=True),
        notices=filed.expired,
        metrics_file=metrics_file_of(values.get("metrics_file"), shared["reports"]),
        skim=bool(values.get("skim")),
    )
    recursive = bool(values.get("recursive"))
    return Request(targets=(), files=files, recursive=recursive, scan=scanning, **shared)


def _skimming(values: Values, *, files: bool, containers: bool) -> Values:
    """With --skim nothing is dialled. Raises UsageProblem for what cannot be asked for beside it."""
    if not values.get("skim"):
        return values
    if files or containers:
        raise UsageProblem("--skim is of a cluster, whose pods are many", "leave --skim away")
    if values.get("probe") not in (None, Depth.NONE.value):
        raise UsageProblem(f"--skim dials nothing, --probe {values['probe']} does", "leave one of them away")
    if values.get("standpoints"):
        raise UsageProblem("--skim dials nothing, and --from says from where to dial", "leave one of them away")
    for name in ("wait", "watch"):
        if values.get(name):
            raise UsageProblem(f"--skim looks once, --{name} does so again and again", "leave one of them away")
    return {**values, "probe": Depth.NONE.value}


def _check_of_cluster(values: Values) -> None:
    """Raise UsageProblem for what a cluster's scan has, and that of containers has not."""
    for name in ("all_namespaces", "namespace", "selector", "filename", "wait", "watch"):
        if values.get(name):
            told = f"--{name.replace('_', '-')} is of a cluster, and scan docker has none"
            raise UsageProblem(told, "leave one of them away")


def flagged(given: Sequence[str]) -> list[IgnoreRule]:
    """The rules of --ignore. Raises UsageProblem."""
    names = [name.strip() for text in given for name in text.split(",")]
    return [IgnoreRule(known_cause(name), "--ignore") for name in dict.fromkeys(names)]


def known_cause(name: str) -> str:
    """`name` if a cause has it as its code or name. Raises UsageProblem."""
    if cause_called(name) is None:
        raise UsageProblem(f"there is no cause '{shown(name)}' to ignore", instead_of(name))
    return name


def _filed(config: str | None) -> Rules:
    """The rules of the file named, or of the one in the working directory if there is one. Raises UsageProblem."""
    data, path = read_config(config)
    return rules_of(data, path, today=datetime.now(UTC).date())
