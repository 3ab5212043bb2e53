"""Policies of kinds that nobody here evaluates: seen, so that a denial of theirs is not taken for silence.

The group list says which of them the cluster has at all: one request where it has none. A kind that its group does
not serve answers 404 and is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import OTHER_POLICIES, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata
from kubectl_refused.model.observation import OtherPolicies, SeenPolicy
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.api_groups import served
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of, in_parallel, namespaced
from kubectl_refused.text import one_line

ONE_PAGE = 100


class PolicyKind(Struct, frozen=True):
    """A kind of policy; `resource` as the API's paths have it."""

    kind: str
    resource: str
    group: str
    is_namespaced: bool = False


# https://docs.cilium.io/en/stable/network/kubernetes/policy/, https://docs.tigera.io/calico/latest/reference/resources/,
# https://network-policy-api.sigs.k8s.io/, https://antrea.io/docs/main/docs/antrea-network-policy/
KINDS = (
    PolicyKind("CiliumNetworkPolicy", "ciliumnetworkpolicies", "cilium.io", is_namespaced=True),
    PolicyKind("CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", "cilium.io"),
    PolicyKind("Calico NetworkPolicy", "networkpolicies", "projectcalico.org", is_namespaced=True),
    PolicyKind("Calico GlobalNetworkPolicy", "globalnetworkpolicies", "projectcalico.org"),
    PolicyKind("Calico NetworkPolicy", "networkpolicies", "crd.projectcalico.org", is_namespaced=True),
    PolicyKind("Calico GlobalNetworkPolicy", "globalnetworkpolicies", "crd.projectcalico.org"),
    PolicyKind("AdminNetworkPolicy", "adminnetworkpolicies", "policy.networking.k8s.io"),
    PolicyKind("BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", "policy.networking.k8s.io"),
    PolicyKind("ClusterNetworkPolicy", "clusternetworkpolicies", "policy.networking.k8s.io"),
    PolicyKind("Antrea NetworkPolicy", "networkpolicies", "crd.antrea.io", is_namespaced=True),
    PolicyKind("Antrea ClusterNetworkPolicy", "clusternetworkpolicies", "crd.antrea.io"),
)
# Calico's API server shows under the first what its own store has under the second.
_SHOWN, _STORED = "projectcalico.org", "crd.projectcalico.org"


class _Item(msgspec.Struct):
    metadata: Metadata = Metadata()


class PolicyReads:
    """Lists the kinds that are there."""

    name = "policy-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({OTHER_POLICIES})
    rights: tuple[Right, ...] = tuple(Right("list", kind.resource, kind.group) for kind in KINDS)

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Ask for all namespaces at once; the subject of each need is a NamespaceKey."""
        context.say("looking for policies of other kinds")
        what = OTHER_POLICIES.about
        try:
            there = _served(context)
        except (Forbidden, NotFound, ApiProblem) as error:
            return [(need, gap_of(error, what)) for need in needs]
        except OddObject as error:
            gap = Gap(what, f"the list of API groups does not read as one: {one_line(str(error))}")
            return [(need, gap) for need in needs]
        return [(need, _policies(context, there, need.subject.namespace)) for need in needs]


def _served(context: ProbeContext) -> dict[str, list[str]]:
    """The versions of each group of ours that the cluster serves."""
    found = served(context, {kind.group for kind in KINDS})
    if _SHOWN in found:
        found.pop(_STORED, None)
    return found


def _policies(context: ProbeContext, served: dict[str, list[str]], namespace: str) -> OtherPolicies:
    kinds = [kind for kind in KINDS if kind.group in served]
    read = in_parallel([partial(_read, context, kind, served[kind.group], namespace) for kind in kinds])
    seen = tuple(one for part in read for one in part.seen)
    return OtherPolicies(seen, tuple(gap for part in read for gap in part.unread))


def _read(context: ProbeContext, kind: PolicyKind, versions: Sequence[str], namespace: str) -> OtherPolicies:
    """One kind, at the first version that serves it."""
    for version in versions:
        group = f"{kind.group}/{version}"
        path = f"/apis/{group}/{kind.resource}"
        if kind.is_namespaced:
            path = namespaced(namespace, kind.resource, group=group)
        try:
            page = next(iter(context.connection.list_items(path, (), ONE_PAGE)), [])
        except NotFound:
            continue
        except (Forbidden, ApiProblem) as error:
            return OtherPolicies(unread=(gap_of(error, f"{kind.kind} objects"),))
        where = namespace if kind.is_namespaced else ""
        return OtherPolicies(tuple(SeenPolicy(kind.kind, name, where) for name in _names(page)))
    return OtherPolicies()


def _names(page: Iterable[msgspec.Raw]) -> Iterable[str]:
    for raw in page:
        try:
            yield decode(raw, _Item).metadata.name
        except OddObject:
            yield "one that does not read as an object"
