"""Which options go with which kind of target: each is of a cluster, of files, of an engine or of a host."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.target import ADDRESSED, CALLED, HERE, Target
from kubectl_refused.resolve.standpoints import CONTAINER, Standpoint

from .command import Values

# What only a cluster can do.
_OF_A_CLUSTER = {
    "fix": "--fix", "dry_run": "--dry-run", "wait": "--wait", "watch": "--watch", "host_network": "--host-network",
    "from_namespace": "--from-namespace",
}  # fmt: skip


def check_grounds(
    targets: Sequence[Target], standpoints: Sequence[Standpoint], values: Values, *, files: bool
) -> None:
    """Raise UsageProblem for an option that the targets' place does not have."""
    containers = [point for point in standpoints if point.kind == CONTAINER]
    if not targets or targets[0].in_cluster:
        if containers:
            raise UsageProblem(
                f"--from {containers[0]} is a client of containers", "ask about docker/NAME from there"
            )
        _check_entrances(targets, values)
        only_live = (*CALLED, *ADDRESSED)
        live = next((target for target in targets if target.is_of_pods or target.kind in only_live), None)
        if files and live is not None:
            raise UsageProblem(f"{live} is asked about in a cluster only, and -f reads files", "type svc/NAME")
        return
    what = str(targets[0])
    other = next((t for t in targets if t.kind == "Container" and t.scheme != targets[0].scheme), None)
    if targets[0].kind == "Container" and other is not None:
        raise UsageProblem(f"{what} and {other} are of two engines", "ask about one after the other")
    for key, name in _OF_A_CLUSTER.items():
        if values.get(key):
            raise UsageProblem(f"{name} is of a cluster, and {what} is in none", f"leave {name} out")
    if files and targets[0].kind != "Compose":
        raise UsageProblem(f"-f reads files, and {what} is not in one", "leave -f out, or type compose/SERVICE")
    for point in standpoints:
        if point.kind not in (HERE, CONTAINER):
            raise UsageProblem(
                f"--from {point} is of a cluster, and {what} is in none", "type --from here or docker/NAME"
            )


def _check_entrances(targets: Sequence[Target], values: Values) -> None:
    """Raise UsageProblem where an entrance is to be waited for or watched: only a Service can be."""
    entrance = next((target for target in targets if target.is_entrance), None)
    for name in ("wait", "watch") if entrance else ():
        if values.get(name) not in (None, False):
            raise UsageProblem(
                f"--{name} is of a Service, and {entrance} is none", "type svc/NAME of one behind it"
            )
