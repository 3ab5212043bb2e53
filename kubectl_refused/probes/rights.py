"""Which methods the user's rights allow, asked before any is used: SelfSubjectAccessReviews, which change nothing.

Only methods that touch or run something are asked about, those that say what they would prove (`proves`); a plain
read tells by itself. A rules review would take one request, but may be incomplete and is long for administrators
(https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access).
They are asked only when a method's turn has come: earlier they would slow the runs that objects alone decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.model.facts import Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Method, ProbeContext, Right

# Websockets are opened with GET, which is checked as `get`; from 1.35 `create` is checked as well
# (feature gate AuthorizePodWebsocketUpgradeCreatePermission).
STREAMS = frozenset({"exec", "attach", "portforward"})
CREATE_NEEDED_FROM = (1, 35)
LIST_PODS = Right("list", "pods")
# The levels of manifests/rbac.yaml that grant what methods of deeper levels use too.
LOWER = {
    LIST_PODS: Depth.NONE,
    Right("get", "pods", subresource="log"): Depth.PASSIVE,
    Right("get", "pods"): Depth.PODS,
}


class Preflight:
    """Asks for each right once per namespace; thread-safe. What cannot be asked counts as allowed: try and see."""

    def __init__(self) -> None:
        self._allowed: dict[tuple[str, Right], bool] = {}
        self._version: tuple[int, int] | None = None

    def refusals(self, method: Method, needs: Iterable[Need], context: ProbeContext) -> dict[Need, Gap]:
        """The needs for which the method must not even be tried, each with the Gap that says why."""
        if not getattr(method, "proves", ""):
            return {}
        from kubectl_refused.sources.reads import each

        spaces = {need: acts_in(method, need, context) for need in needs}
        asked = dict.fromkeys(spaces.values())
        gaps = dict(zip(asked, each(lambda space: self.denied(method, context, space), asked), strict=True))
        return {need: gap for need, space in spaces.items() if (gap := gaps[space])}

    def denied(self, method: Method, context: ProbeContext, namespace: str) -> Gap | None:
        """The Gap of a method that may not be used in the namespace; None where it may.

        All of its `rights` are needed, and of its `ways`, if it has such, any one complete set. Raises Cancelled.
        """
        first, *others = getattr(method, "ways", ((),))
        lacking = self._lacking((*method.rights, *first), context, namespace)
        needed = [right for right in method.rights if right in lacking]
        ways = [[right for right in first if right in lacking]]
        if ways[0]:
            lacking = self._lacking([right for way in others for right in way], context, namespace)
            ways += [[right for right in way if right in lacking] for way in others]
        closed = ways if all(ways) else []  # a way of which nothing is missing is open
        return gap_of(method, needed, closed, namespace) if needed or closed else None

    def _lacking(self, rights: Sequence[Right], context: ProbeContext, namespace: str) -> set[Right]:
        """Those of the rights that the user does not have, asked side by side."""
        if context.snapshot.read("Pod", namespace):  # it was done just now
            self._allowed[(namespace, LIST_PODS)] = True
        from kubectl_refused.sources.reads import each

        new = [right for right in dict.fromkeys(rights) if (namespace, right) not in self._allowed]
        for right, allowed in zip(new, each(lambda one: _may(one, context, namespace), new), strict=True):
            self._allowed[(namespace, right)] = allowed
        lacking = {right for right in rights if not self._allowed[(namespace, right)]}
        for_streams = {r for r in lacking if r.verb == "create" and r.subresource in STREAMS}
        if for_streams and self._server(context) < CREATE_NEEDED_FROM:
            lacking -= for_streams
        return lacking

    def _server(self, context: ProbeContext) -> tuple[int, int]:
        """The API server's version, asked when it first matters; (0, 0) if it does not say."""
        if self._version is None:
            try:
                told = context.connection.server_version()
            except ConnectionProblem:
                return (0, 0)
            # Cloud providers write 35+.
            numbers = [re.match(r"\d+", text) for text in (told.major, told.minor)]
            major, minor = (int(found[0]) if found else 0 for found in numbers)
            self._version = (major, minor)
        return self._version


def _may(right: Right, context: ProbeContext, namespace: str) -> bool:
    verb, resource, group, subresource = right
    try:
        return context.connection.can_i(verb, resource, group, subresource, namespace=namespace)
    except ConnectionProblem:
        return True


def acts_in(method: Method, need: Need, context: ProbeContext) -> str:
    """The namespace where the method would act: the subject's own, the target's, or that of who dials."""
    target = context.target.namespace
    of_subject: str = getattr(need.subject, "namespace", "")
    if of_subject or getattr(method, "acts_in_target", False):
        # Of several targets that of the dialled one: what has the address was read.
        there = context.snapshot.at(getattr(need.subject, "host", ""))
        return of_subject or next((one.metadata.namespace for one in there), target)
    return context.client_of(need).namespace or target


def gap_of(method: Method, needed: Sequence[Right], ways: Sequence[Sequence[Right]], namespace: str) -> Gap:
    """What the method would prove, and what to grant: all of `needed`, and the first of the `ways` if any."""
    first, *others = ways or [[]]
    missing = [*needed, *first]
    told = ", ".join(map(str, missing))
    instead = "".join(f" (or {', '.join(map(str, way))})" for way in others)
    proves: str = getattr(method, "proves", "")
    levels = sorted({role_of(right, method) for right in missing}, key=lambda level: level.rank)
    roles = ("role " if len(levels) == 1 else "roles ") + ", ".join(f"refused-{level.value}" for level in levels)
    return Gap(
        method.name.replace("-", " "),
        f"forbidden: {told}{instead} in namespace {namespace}; it would prove {proves}",
        f"grant {', '.join(map(granted, missing))} in namespace {namespace} ({roles} of manifests/rbac.yaml)",
    )


def granted(right: Right) -> str:
    """`create jobs.batch`, as kubectl auth can-i takes it."""
    subresource = f"/{right.subresource}" if right.subresource else ""
    return f"{right.verb} {right.resource}" + (f".{right.group}" if right.group else "") + subresource


def role_of(right: Right, method: Method) -> Depth:
    """The level whose role in manifests/rbac.yaml grants the right."""
    return min(LOWER.get(right, method.depth), method.depth, key=lambda depth: depth.rank)
