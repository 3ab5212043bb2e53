"""Proof, findings and fixes: what a cause yields. Evidence is a union tagged by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Certainty(StrEnum):
    """How sure a finding is; ranks findings. Severity is another thing."""

    PROVED = "proved"
    LIKELY = "likely"
    POSSIBLE = "possible"

    @property
    def rank(self) -> int:
        """0 for proved, so that sorting puts the surest first."""
        return list(Certainty).index(self)


class _Evidence(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", rename="camel"):
    """Every claim names its witness and its subject; `says` is one line, present tense, no full stop."""

    witness: str
    subject: str
    says: str


class ObjectEvidence(_Evidence, frozen=True, tag="object"):
    """A field of an API object; `field` is its path."""

    field: str = ""
    value: Any = None


class NearestEvidence(_Evidence, frozen=True, tag="nearest"):
    """What was probably meant; `differs` maps a key to [wanted, found]."""

    differs: Mapping[str, tuple[str | None, str | None]] = {}


class SocketEvidence(_Evidence, frozen=True, tag="sockets"):
    """Listening sockets of a pod's network namespace; `listeners` as address:port."""

    listeners: tuple[str, ...] = ()
    process: str = ""


class PacketEvidence(_Evidence, frozen=True, tag="packet"):
    """A dial: to `address`, how it ended, and after how many seconds."""

    address: str
    outcome: str
    seconds: float
    offender: str = ""


class LogEvidence(_Evidence, frozen=True, tag="log"):
    """A log line that tells why, cleaned and masked."""

    line: str
    previous: bool = False


class EventEvidence(_Evidence, frozen=True, tag="event"):
    """An Event's reason and message, cleaned."""

    reason: str


class WitnessEvidence(_Evidence, frozen=True, tag="witness"):
    """Another way in that works or fails, where the difference is the proof."""


class TrialEvidence(_Evidence, frozen=True, tag="trial"):
    """The fix, or a part of it, was tried: `worked` tells how it went."""

    worked: bool


Evidence = (
    ObjectEvidence
    | NearestEvidence
    | SocketEvidence
    | PacketEvidence
    | LogEvidence
    | EventEvidence
    | WitnessEvidence
    | TrialEvidence
)


class PatchRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change as the API server takes it: PATCH `body` of media type `type` to `path`.

    `path` is the object's API path, with `subresource` at its end where one is patched (a Deployment's scale).
    `body` is an object for merge patches and a list of operations for JSON patches (RFC 6902).
    """

    kind: str
    namespace: str
    name: str
    path: str
    type: str
    body: dict[str, Any] | list[dict[str, Any]]
    subresource: str = ""


class Destination(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a change will lead connections: a port of a pod, at the address that endpoints would have."""

    namespace: str
    pod: str
    address: str
    port: int


class Fix(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """The one change that makes it work.

    `summary` is imperative. `command` works as printed, or is None where no single command can do it
    (the source of the app must change). `patch` is the change as data. `owner` names what the change
    belongs in (a Deployment, a Helm release), None where the object stands for itself. `request` is the patch
    as it can be sent, None where nothing of ours can be; `leads_to` are dialled before the fix is told.
    """

    summary: str
    command: str | None = None
    patch: dict[str, Any] | None = None
    owner: str | None = None
    request: PatchRequest | None = None
    leads_to: tuple[Destination, ...] = ()


class Onward(msgspec.Struct, frozen=True):
    """The Service behind the fault, at one of its ports: the path goes on there."""

    namespace: str
    name: str
    port: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one place. `headline` completes "svc/web:80 is refused: …", without a full stop.

    `onward` is where the connection goes on, where what it meets there is the fault.
    """

    where: str
    says: str
    headline: str = ""
    certainty: Certainty = Certainty.PROVED
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    onward: Onward | None = None
