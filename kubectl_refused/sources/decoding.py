"""From one object's JSON to a Struct of ours, with its text cleaned where anything in it could need it.

Status messages, event messages and arguments are free text. Cleaning a decoded object string by string costs
ten times the decoding, so it is done only where the bytes hold an escape or a byte beyond printable ASCII.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kubectl_refused.connection.paging import ListOf
from kubectl_refused.decoders import converted, decoded
from kubectl_refused.model.objects import Metadata, Workload, WorkloadSpec, WorkloadStatus
from kubectl_refused.patterns import lazily
from kubectl_refused.text import clean

T = TypeVar("T")

# Go writes <, > and & as \\u003c, \\u003e and \\u0026 (encoding/json HTMLEscape); those are harmless.
_ODD_ESCAPE = lazily(rb"\\(?:[bfr]|u(?!00(?:26|3[ce])))")


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
        if _may_need_cleaning(data):
            return converted(_cleaned(msgspec.json.decode(data)), type_)
        return decoded(data, type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OddObject(str(error)) from error


def decode_page(body: bytes, type_: type[T]) -> ListOf[T] | None:
    """A whole page in one go, which halves the work; None where an object may need cleaning, or is odd."""
    if _may_need_cleaning(body):
        return None
    try:
        return decoded(body, ListOf[type_])  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_workload(raw: bytes | msgspec.Raw, kind: str) -> Workload:
    """Return a Workload of that kind. Raises OddObject."""
    it = decode(raw, _Unnamed)
    return Workload(kind=kind, metadata=it.metadata, spec=it.spec, status=it.status)


def _may_need_cleaning(data: bytes) -> bool:
    """Whether it holds an escape or a byte that is not plain: one expression for both takes longer."""
    return not data.isascii() or b"\x7f" in data or _ODD_ESCAPE.search(data) is not None


def _cleaned(value: Any) -> Any:
    """Return decoded JSON with every string, key or value, cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    return value
