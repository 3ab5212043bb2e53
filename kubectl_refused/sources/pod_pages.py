"""Read pages of pods, of which most parts are alike: what is the same byte for byte is decoded, and kept, once.

The pods of a ReplicaSet follow each other in a list and have the same labels and containers; the conditions of
those that started in one second are the same too. It takes half of the time of decoding all and comparing it.
"""

from __future__ import annotations

from functools import cache
from sys import intern
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import fields, force_setattr

from kubectl_refused.connection.paging import ListOf
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import (
    Condition,
    Container,
    Labels,
    Metadata,
    OwnerReference,
    Pod,
    PodDNSConfig,
    PodSpec,
    PodStatus,
    SecurityContext,
)

from .decoding import decode_page
from .sharing import OF_CONDITIONS, once, share_status

T = TypeVar("T")
MOST_PARTS, MOST_CONDITIONS = 256, 4096  # that are kept to be found again; those of one maker are neighbours
# What of each is left undecoded at first.
ALIKE: dict[type[Any], tuple[str, ...]] = {
    Metadata: ("labels", "annotations", "owner_references"),
    PodSpec: ("containers", "init_containers", "node_selector", "security_context", "dns_config"),
    PodStatus: ("conditions",),
}
UNREAD = "managed_fields"  # nobody asks who wrote a pod: controllers do


class _Alike(Generic[T]):
    """Parts of one type, by how they read; `repeats` are fields whose texts unlike ones have too."""

    def __init__(self, type_: Any, most: int = MOST_PARTS, repeats: tuple[str, ...] = ()) -> None:
        self._type, self._most, self._repeats = type_, most, repeats
        self._seen: dict[bytes, T] = {}

    def part(self, raw: msgspec.Raw) -> T:
        """Decoded, or the one that read the same. Raises msgspec.DecodeError."""
        data = bytes(raw)
        try:
            return self._seen[data]
        except KeyError:
            if len(self._seen) >= self._most:
                self._seen.clear()
            made: T = decoded(data, self._type)
            if isinstance(made, msgspec.Struct):
                for name in self._repeats:
                    force_setattr(made, name, once(getattr(made, name)))
            self._seen[data] = made
            return made


class PodPages:
    """For the length of one list."""

    def __init__(self) -> None:
        self._labels = _Alike[Labels | None](Labels | None)
        self._owners = _Alike[tuple[OwnerReference, ...] | None](tuple[OwnerReference, ...] | None)
        self._containers = _Alike[tuple[Container, ...] | None](tuple[Container, ...] | None)
        self._security = _Alike[SecurityContext | None](SecurityContext | None)
        self._dns = _Alike[PodDNSConfig | None](PodDNSConfig | None)
        self._conditions = _Alike[Condition](Condition, MOST_CONDITIONS, OF_CONDITIONS)

    def page(self, body: bytes) -> ListOf[Pod] | None:
        """All of its pods; None where one may need cleaning, or is odd."""
        found = decode_page(body, _outline())
        if found is None:
            return None
        try:
            pods = [self._pod(one) for one in found.items or ()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return ListOf[Pod](found.metadata, pods)

    def _pod(self, outline: Any) -> Pod:
        status = outline.status
        return Pod(
            metadata=self._metadata(outline.metadata),
            spec=self._spec(outline.spec),
            status=None if status is None else self._status(status),
        )

    def _metadata(self, it: Any) -> Metadata:
        return Metadata(
            name=it.name,
            namespace=intern(it.namespace),
            uid=it.uid,
            generation=it.generation,
            labels=self._labels.part(it.labels),
            annotations=self._labels.part(it.annotations),
            owner_references=self._owners.part(it.owner_references),
            creation_timestamp=once(it.creation_timestamp),
            deletion_timestamp=it.deletion_timestamp,
        )

    def _spec(self, it: Any) -> PodSpec:
        return PodSpec(
            containers=self._containers.part(it.containers),
            init_containers=self._containers.part(it.init_containers),
            node_name=once(it.node_name),
            node_selector=self._labels.part(it.node_selector),
            host_network=it.host_network,
            os=it.os,
            readiness_gates=it.readiness_gates,
            runtime_class_name=it.runtime_class_name,
            enable_service_links=it.enable_service_links,
            dns_policy=once(it.dns_policy),
            dns_config=self._dns.part(it.dns_config),
            security_context=self._security.part(it.security_context),
        )

    def _status(self, it: Any) -> PodStatus:
        for each in (*(it.container_statuses or ()), *(it.init_container_statuses or ())):
            share_status(each)
        part, conditions = self._conditions.part, it.conditions
        pod_ip, pod_ips = it.pod_ip, it.pod_ips
        return PodStatus(
            phase=intern(it.phase),
            reason=it.reason,
            message=it.message,
            pod_ip=pod_ips[0].ip if pod_ips and pod_ips[0].ip == pod_ip else pod_ip,
            pod_ips=pod_ips,
            host_ip=once(it.host_ip),
            conditions=None if conditions is None else tuple([part(one) for one in conditions]),
            container_statuses=it.container_statuses,
            init_container_statuses=it.init_container_statuses,
        )


@cache
def _outline() -> type[Any]:
    """A Pod whose alike parts are left as they came."""
    spec = _outlined(PodSpec)
    parts: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("metadata", _outlined(Metadata)),
        ("spec", spec, msgspec.field(default_factory=spec)),
        ("status", _outlined(PodStatus) | None, None),
    ]
    return msgspec.defstruct("PodOutline", parts, kw_only=True, gc=False)


def _outlined(type_: type[Any]) -> Any:
    made: list[tuple[str, Any, Any]] = []
    for one in fields(type_):
        if one.name == "conditions":
            made.append((one.name, list[msgspec.Raw] | None, None))
        elif one.name in ALIKE[type_]:
            made.append((one.name, msgspec.Raw, msgspec.Raw(b"null")))
        elif one.name != UNREAD:
            made.append((one.name, one.type, one.default))
    names = {one.name: one.encode_name for one in fields(type_)}
    return msgspec.defstruct(f"{type_.__name__}Outline", made, rename=names, kw_only=True, gc=False)
