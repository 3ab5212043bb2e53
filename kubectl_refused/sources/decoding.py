"""From one object's JSON to a Struct of ours, with its text cleaned where anything in it could need it.

Status messages, event messages and arguments are free text. Cleaning a decoded object string by string costs
ten times the decoding, so it is done only where the bytes hold an escape or a byte beyond printable ASCII.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from kubectl_refused.decoders import converted, decoded
from kubectl_refused.model.objects import Metadata, Workload, WorkloadSpec, WorkloadStatus
from kubectl_refused.text import clean

T = TypeVar("T")

# Go writes <, > and & as \\u003c, \\u003e and \\u0026 (encoding/json HTMLEscape); those are harmless.
_MAY_NEED_CLEANING = re.compile(rb"\\[bfr]|\\u(?!00(?:26|3[ce]))|[\x7f-\xff]")


class OddObject(ValueError):
    """The bytes are no object of the kind expected; the message says where."""


class _Unnamed(msgspec.Struct, frozen=True, rename="camel"):
    """A workload as it stands in a list, where the API server leaves `kind` out."""

    metadata: Metadata
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


def decode(raw: bytes | msgspec.Raw, type_: type[T]) -> T:
    """Return the object. Raises OddObject."""
    data = bytes(raw)
    try:
        if _MAY_NEED_CLEANING.search(data):
            return converted(_cleaned(msgspec.json.decode(data)), type_)
        return decoded(data, type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OddObject(str(error)) from error


def decode_workload(raw: bytes | msgspec.Raw, kind: str) -> Workload:
    """Return a Workload of that kind. Raises OddObject."""
    it = decode(raw, _Unnamed)
    return Workload(kind=kind, metadata=it.metadata, spec=it.spec, status=it.status)


def _cleaned(value: Any) -> Any:
    """Return decoded JSON with every string, key or value, cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    return value
