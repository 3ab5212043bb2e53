"""The command line of a diagnosis as one frozen value, checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from msgspec import Struct, field

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.connection.options import ConnectionOptions, parse_timeout
from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.report import FailOn
from kubectl_refused.model.target import HERE, Depth, Target
from kubectl_refused.probes.base import ProbeSettings
from kubectl_refused.resolve.grammar import check_namespace, parse
from kubectl_refused.resolve.standpoints import CONTAINER, EVERY_NODE, Standpoint, parse_standpoints
from kubectl_refused.trace.ignores import NOTHING_IGNORED, Ignores

from .choices import check_choices
from .command import Values
from .durations import seconds_of
from .ground_checks import check_grounds
from .kubectl_command import kubectl_command
from .options import Option
from .reports import ReportFile, report_files

MOST_DIALS = 20
MOST_RATE = 10_000  # more than one core can dial
# What asks for a cluster, by the options' fields.
_LIVE = ("fix", "dry_run", "wait", "watch", "standpoints", "entrances")
FROM_SEVERAL = 3  # dials of each address where several clients are compared, as a fault may come and go


class Request(Struct, frozen=True):
    """What to diagnose and how to tell. Targets have an empty namespace where none was typed.

    `targets` is empty only with `files` or a `recording`: every Service in them.
    """

    targets: tuple[Target, ...]
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    files: tuple[str, ...] = ()
    recursive: bool = False
    recording: str = ""
    probing: ProbeSettings = field(default_factory=ProbeSettings)
    standpoints: tuple[Standpoint, ...] = ()
    client_namespace: str = ""
    host_network: bool = False
    output: str = ""
    reports: tuple[ReportFile, ...] = ()
    exit_zero: bool = False
    dry_run: bool = False
    entrances: bool = False
    verbose: bool = False
    fix: bool = False
    yes: bool = False
    wait: float | None = None
    watch: bool = False
    scan: Scanning | None = None


class Scanning(Struct, frozen=True):
    """What a scan has beyond a diagnosis. `namespace` None stands for the connection's own, empty for all."""

    namespace: str | None = None
    selector: str = ""
    fail_on: FailOn = "proved"
    ignores: Ignores = NOTHING_IGNORED
    notices: tuple[Gap, ...] = ()
    metrics_file: str = ""
    skim: bool = False


def request_of(words: Sequence[str], values: Values, options: tuple[Option, ...]) -> Request:
    """The Request that a parsed command line makes. Raises UsageProblem."""
    check_choices(values, options)
    connection = connection_of(values)
    files = files_of(values)
    recording = _recording(values, files=bool(files))
    if not words and not files and not recording:
        raise UsageProblem("no Service is named", "type svc/NAME, or -f FILE for every Service in a file")
    fixing = _fixing(values, files=bool(files))
    targets = parse(words, namespace=connection.namespace or "", kubectl=kubectl_command(connection))
    shared = shared_of(values, connection, files=bool(files))
    if shared["wait"] is not None or shared["watch"]:
        check_lasting(values, files=bool(files))
    check_grounds(targets, shared["standpoints"], values, files=bool(files))
    return Request(
        targets=targets,
        files=files,
        recursive=bool(values.get("recursive")),
        recording=recording,
        dry_run=bool(values.get("dry_run")),
        entrances=_entrances(values, targets, files=bool(files)),
        **fixing,
        **shared,
    )


def whole_request_of(values: Values, options: tuple[Option, ...]) -> Request:
    """That of a run or a text: about a namespace, or all of them, and no target. Raises UsageProblem."""
    check_choices(values, options)
    connection = connection_of(values)
    scanning = Scanning(namespace="" if values.get("all_namespaces") else None)
    return Request(targets=(), scan=scanning, **shared_of(values, connection, files=False))


def shared_of(values: Values, connection: ConnectionOptions, *, files: bool) -> dict[str, Any]:
    """What the Requests of a diagnosis and of a scan have in common. Raises UsageProblem."""
    standpoints = _standpoints(values, files=files)
    return {
        "connection": connection,
        "probing": _probing(values, standpoints),
        "standpoints": standpoints,
        "client_namespace": values.get("from_namespace") or "",
        "host_network": bool(values.get("host_network")),
        "output": values.get("output") or "",
        "reports": report_files(values.get("reports") or ()),
        "exit_zero": bool(values.get("exit_zero")),
        "verbose": bool(values.get("verbose")),
        **_waiting(values),
    }


def _waiting(values: Values) -> dict[str, Any]:
    """How long to wait, and whether to go on for ever. Raises UsageProblem."""
    wait, watch = values.get("wait"), bool(values.get("watch"))
    if wait is not None and watch:
        raise UsageProblem("--wait ends and --watch does not", "leave one of them away")
    if watch and values.get("reports"):
        raise UsageProblem("--watch never ends, so no report is written", "leave --report or --watch out")
    return {"wait": None if wait is None else seconds_of(wait, "--wait"), "watch": watch}


def check_lasting(values: Values, *, files: bool) -> None:
    """Raise UsageProblem where --wait or --watch goes with what does not last."""
    name = "--watch" if values.get("watch") else "--wait"
    if files:
        raise UsageProblem(f"{name} is of a cluster, and -f reads files", "leave one of them away")
    for other in ("fix", "dry_run"):
        if values.get(other):
            raise UsageProblem(
                f"{name} and --{other.replace('_', '-')} do not go together", "leave one of them away"
            )


def connection_of(values: Values) -> ConnectionOptions:
    """kubectl's flags as typed. Raises UsageProblem for a namespace or duration that cannot be one."""
    typed: dict[str, Any] = {}
    for part in fields(ConnectionOptions):
        value = values.get(part.name)
        if value:
            typed[part.name] = tuple(value) if isinstance(value, list) else value
    options = ConnectionOptions(**typed)
    if options.namespace is not None:
        check_namespace(options.namespace)
    try:
        parse_timeout(options.request_timeout)
    except ConnectionProblem as problem:
        raise UsageProblem(problem.message) from problem
    return options


def _fixing(values: Values, *, files: bool) -> dict[str, Any]:
    """Whether to apply the fix, and without asking. Raises UsageProblem."""
    fix, yes = bool(values.get("fix")), bool(values.get("yes"))
    if yes and not fix:
        raise UsageProblem("--yes agrees to --fix, which is not there", "add --fix")
    if fix and files:
        raise UsageProblem("--fix changes a cluster, and -f reads files", "change the files as the report says")
    if fix and values.get("dry_run"):
        raise UsageProblem("--fix changes the cluster and --dry-run does nothing", "leave one of them away")
    return {"fix": fix, "yes": yes}


def _entrances(values: Values, targets: Sequence[Target], *, files: bool) -> bool:
    """Whether what leads to the Services is asked about as well. Raises UsageProblem."""
    if not values.get("entrances"):
        return False
    other = next((target for target in targets if not target.is_service), None)
    if other is not None:
        raise UsageProblem(f"--entrances finds what leads to a Service, and {other} is none", "type svc/NAME")
    for name, given in {"-f": files, "--wait": values.get("wait"), "--watch": values.get("watch")}.items():
        if given:
            raise UsageProblem(f"--entrances and {name} do not go together", "leave one of them away")
    return True


def _recording(values: Values, *, files: bool) -> str:
    """The recording to replay, empty for none. Raises UsageProblem."""
    recording: str | None = values.get("recording")
    if recording is None:
        return ""
    if not recording:
        raise UsageProblem("--recording names no file", "type --recording FILE")
    others = {"--filename": files, **{f"--{name.replace('_', '-')}": values.get(name) for name in _LIVE}}
    for name, given in others.items():
        if given:
            raise UsageProblem(
                f"{name.replace('standpoints', 'from')} does not go with --recording, which replays what was seen",
                "leave one of them away",
            )
    return recording


def files_of(values: Values) -> tuple[str, ...]:
    """What was typed behind -f."""
    return tuple(path for given in values.get("filename") or () for path in _split(given))


def _split(path: str) -> list[str]:
    """Files given with commas, as kubectl takes them, unless the whole is a file's name."""
    return [path] if "," not in path or os.path.lexists(path) else [part for part in path.split(",") if part]


def _standpoints(values: Values, *, files: bool) -> tuple[Standpoint, ...]:
    """Whose eyes to look with, and whether the other options fit it. Raises UsageProblem."""
    points = parse_standpoints(values.get("standpoints") or ())
    space = values.get("from_namespace")
    if space:
        check_namespace(space)
    if points and files:
        raise UsageProblem("--from needs a cluster, and -f reads files", "leave one of them away")
    if space and all(p.kind == HERE for p in points):
        raise UsageProblem("--from-namespace says where a client is, and none is named", "add --from pod/NAME")
    if values.get("host_network") and not any(p.kind in ("Node", EVERY_NODE) for p in points):
        raise UsageProblem("--host-network is of nodes, and none is named", "add --from node/NAME")
    depth = Depth(values.get("probe") or Depth.PODS)
    for point in points:
        least = Depth.PASSIVE if point.kind in (HERE, CONTAINER) else Depth.PODS
        if depth.rank < least.rank:
            raise UsageProblem(
                f"--from {point} cannot dial at --probe {depth.value}", f"type --probe {least.value}"
            )
    return points


def _probing(values: Values, standpoints: Sequence[Standpoint]) -> ProbeSettings:
    depth = Depth(values.get("probe") or Depth.PODS)
    image, secret = values.get("image") or "", values.get("image_pull_secret") or ""
    return ProbeSettings(
        depth=depth,
        image=image,
        image_pull_secret=secret,
        image_prefix=values.get("image_prefix") or "",
        dials=dials_of(values, standpoints),
        guess=bool(values.get("guess_protocol")),
        dial_any=bool(values.get("dial_any")),
        rate=rate_of(values),
    )


def rate_of(values: Values) -> int:
    """How many dials a second each node of a large scan makes at most. Raises UsageProblem."""
    typed = values.get("rate")
    if typed is None:
        return ProbeSettings().rate
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed[:9]) <= MOST_RATE):
        raise UsageProblem(f"--rate {shown(typed)} is not between 1 and {MOST_RATE}", "type --rate 100")
    return int(typed)


def dials_of(values: Values, standpoints: Sequence[Standpoint]) -> int:
    """How often each address is dialled. Raises UsageProblem."""
    typed = values.get("dials")
    if typed is None:
        several = len(standpoints) > 1 or any(point.kind == EVERY_NODE for point in standpoints)
        return FROM_SEVERAL if several else 1
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed[:9]) <= MOST_DIALS):
        raise UsageProblem(f"--dials {shown(typed)} is not between 1 and {MOST_DIALS}", "type --dials 5")
    return int(typed)
