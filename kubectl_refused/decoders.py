"""Typed decoding that threads may share.

msgspec 0.22 builds what it knows of a Struct class at the first use, calling Python code in between; two
threads that use one class for the first time at once crash the interpreter (seen: 45 of 60 runs of eight
threads end with SIGSEGV, 0 of 60 where the decoder was built before). So decoders are built under a lock,
once, and nothing else in the package calls msgspec with a type.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_building = threading.Lock()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoded(data: bytes | str | msgspec.Raw, type_: type[T]) -> T:
    """JSON as `type_`. Raises msgspec.DecodeError (also where it does not fit) or UnicodeDecodeError."""
    value: T = _decoder(type_).decode(data)
    return value


def converted(value: Any, type_: type[T]) -> T:
    """Plain data as `type_`. Raises msgspec.ValidationError."""
    _decoder(type_)
    return msgspec.convert(value, type_)


def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    found = _decoders.get(type_)
    if found is None:
        with _building:
            found = _decoders.get(type_) or msgspec.json.Decoder(type_)
            _decoders[type_] = found
    return found
