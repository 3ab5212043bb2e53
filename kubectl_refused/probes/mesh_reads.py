"""What a service mesh is told: Istio's and Linkerd's own kinds, where the cluster has them.

Asked for only where a pod on the path has a mesh's proxy. A kind that the cluster does not serve is no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import MESH, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.mesh import (
    ISTIO_ROOT,
    ISTIO_SECURITY,
    MESH_TYPES,
    MeshObject,
    MeshObjects,
    gathered,
)
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.api_groups import served
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of, in_parallel, namespaced
from kubectl_refused.text import one_line

ONE_PAGE = 200
_Read = tuple[list[MeshObject], list[Gap]]


class _Wanted(Struct, frozen=True):
    """A kind in a namespace."""

    group: str
    kind: str
    namespace: str


class MeshReads:
    """Lists one page of each kind that is there."""

    name = "mesh-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({MESH})
    rights: tuple[Right, ...] = tuple(Right("list", word, group) for (group, _), (_, word) in MESH_TYPES.items())

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """The subject of each need is a NamespaceKey."""
        context.say("reading what the mesh is told")
        try:
            there = served(context, {group for group, _ in MESH_TYPES})
        except (Forbidden, NotFound, ApiProblem) as error:
            return [(need, gap_of(error, MESH.about)) for need in needs]
        except OddObject as error:
            gap = Gap(MESH.about, f"the list of API groups does not read as one: {one_line(str(error))}")
            return [(need, gap) for need in needs]
        return [(need, _objects(context, there, need.subject.namespace)) for need in needs]


def _objects(context: ProbeContext, served: dict[str, list[str]], namespace: str) -> MeshObjects:
    wanted = [one for one in _wanted(namespace) if one.group in served]
    read = in_parallel([partial(_read, context, one, served[one.group]) for one in wanted])
    return gathered((one for objects, _ in read for one in objects), (gap for _, gaps in read for gap in gaps))


def _wanted(namespace: str) -> Iterator[_Wanted]:
    for group, kind in MESH_TYPES:
        yield _Wanted(group, kind, namespace)
        if group == ISTIO_SECURITY and namespace != ISTIO_ROOT:
            yield _Wanted(group, kind, ISTIO_ROOT)


def _read(context: ProbeContext, wanted: _Wanted, versions: Sequence[str]) -> _Read:
    """One kind, at the first version that serves it; a namespace that does not exist has none."""
    type_, word = MESH_TYPES[wanted.group, wanted.kind]
    what = f"{wanted.kind} objects of namespace {wanted.namespace}"
    for version in versions:
        path = namespaced(wanted.namespace, word, group=f"{wanted.group}/{version}")
        try:
            page = next(iter(context.connection.list_items(path, (), ONE_PAGE)), [])
        except NotFound:
            continue
        except (Forbidden, ApiProblem) as error:
            return [], [gap_of(error, what)]
        return _decoded(page, type_, what)
    return [], []


def _decoded(page: Iterable[msgspec.Raw], type_: type[MeshObject], what: str) -> _Read:
    found: list[MeshObject] = []
    for raw in page:
        try:
            found.append(decode(raw, type_))
        except OddObject as error:
            return found, [Gap(what, f"one does not read as such: {one_line(str(error))}")]
    return found, []
