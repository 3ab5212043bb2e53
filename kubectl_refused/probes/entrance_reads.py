"""The names of Ingresses, Gateways and routes: which one was meant where the one asked for is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.entrances import GATEWAY_GROUP
from kubectl_refused.model.facts import ENTRANCES_IN, Fact, KindKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Metadata
from kubectl_refused.model.openshift import ROUTE_GROUP
from kubectl_refused.model.target import ADDRESSED, CALLED, ENTRANCES, Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of, in_parallel, namespaced

ONE_PAGE = 500
# Those in which Gateways and routes were served, newest first.
_VERSIONS = ("v1", "v1beta1", "v1alpha3", "v1alpha2")
_PLACES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    kind: (GATEWAY_GROUP, f"{kind.lower()}s", _VERSIONS) for kind in ENTRANCES if kind not in (*CALLED, *ADDRESSED)
} | {
    "Ingress": ("networking.k8s.io", "ingresses", ("v1",)),
    "OpenShiftRoute": (ROUTE_GROUP, "routes", ("v1",)),
}


class _Item(msgspec.Struct):
    metadata: Metadata = Metadata()


class EntranceReads:
    """Lists one page of one kind."""

    name = "entrance-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({ENTRANCES_IN})
    rights: tuple[Right, ...] = tuple(Right("list", resource, group) for group, resource, _ in _PLACES.values())

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """The subject of each need is a KindKey."""
        names = in_parallel([partial(_names, context, need.subject) for need in needs])
        return list(zip(needs, names, strict=True))


def _names(context: ProbeContext, key: KindKey) -> tuple[str, ...] | Gap:
    group, resource, versions = _PLACES[key.kind]
    for version in versions:
        path = namespaced(key.namespace, resource, group=f"{group}/{version}")
        try:
            page = next(iter(context.connection.list_items(path, (), ONE_PAGE)), [])
            return tuple(decode(raw, _Item).metadata.name for raw in page)
        except NotFound:
            continue
        except (Forbidden, ApiProblem) as error:
            return gap_of(error, ENTRANCES_IN.about)
        except OddObject as error:
            return Gap(ENTRANCES_IN.about, f"one does not read as an object: {error}")
    return Gap(ENTRANCES_IN.about, f"the cluster does not have the kind {key.kind}")
