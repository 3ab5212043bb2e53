"""Objects of kinds that Kubernetes does not have itself: their controllers may make pods that no file shows.

Many that make pods hold a pod template where a Deployment has it (Argo's Rollout, OpenKruise's CloneSet,
OpenShift's DeploymentConfig): those promise pods as a Deployment does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kubectl_refused.errors import shown
from kubectl_refused.model.gaps import Aside
from kubectl_refused.model.objects import Service


class Custom(NamedTuple):
    """One such object: its kind with its group, as kubectl takes it (`Rollout.argoproj.io`), and its line."""

    kind: str
    group: str
    name: str
    line: str
    templated: bool


def custom(value: Any, line: str) -> Custom | None:
    """What a document is, None for what is no object or none of a custom kind."""
    if not isinstance(value, dict):
        return None
    kind, version, metadata = value.get("kind"), value.get("apiVersion"), value.get("metadata")
    if not (isinstance(kind, str) and isinstance(version, str) and isinstance(metadata, dict)):
        return None
    group, slash, _ = version.partition("/")
    if not slash or "." not in group or group.endswith(".k8s.io"):
        return None
    return Custom(f"{kind}.{group}", group, str(metadata.get("name")), line, _templated(value))


def _templated(value: dict[str, Any]) -> bool:
    steps: Any = value
    for step in ("spec", "template", "spec", "containers"):
        steps = steps.get(step) if isinstance(steps, dict) else None
    return isinstance(steps, list)


def told(found: Sequence[Custom]) -> Aside | None:
    """One line about all that promise nothing."""
    others = [one for one in found if not one.templated]
    if not others:
        return None
    first = others[0]
    more = f" and {len(others) - 1} more custom resources" if len(others) > 1 else ""
    what = f"{shown(first.kind.partition('.')[0])} {shown(first.name)} in {first.line}{more}"
    return Aside(what, "what their controllers make is not in the files" if more else _ALONE)


_ALONE = "what its controller makes is not in the files"


def may_be_selected(found: Iterable[Custom], services: Iterable[Service]) -> bool:
    """Whether a Service selects by labels of such a controller, as `cnpg.io/cluster` is of postgresql.cnpg.io."""
    domains = {".".join(one.group.split(".")[-2:]) for one in found if not one.templated}
    prefixes = {key.partition("/")[0] for s in services for key in s.spec.selector or () if "/" in key}
    return any(prefix == domain or prefix.endswith(f".{domain}") for prefix in prefixes for domain in domains)
