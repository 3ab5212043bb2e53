"""How a long list of one kind is read so that little of it is kept: equal parts once."""

from __future__ import annotations

from typing import Any

import msgspec

from kubectl_refused.connection.paging import ListOf
from kubectl_refused.model.objects import Pod

from .decoding import decode, decode_page
from .pod_pages import PodPages
from .sharing import Sharing


class FrugalReading:
    """For the length of one list."""

    def __init__(self, type_: type[Any]) -> None:
        self._type, self._sharing, self._pods = type_, Sharing(), PodPages()

    def one(self, raw: msgspec.Raw) -> Any:
        """An object by itself. Raises OddObject."""
        found = decode(raw, self._type)
        self._sharing.take([found])
        return found

    def page(self, body: bytes) -> ListOf[Any] | None:
        """A whole page; None where an object may need cleaning, or is odd."""
        if self._type is Pod:
            return self._pods.page(body)
        found = decode_page(body, self._type)
        if found is not None:
            self._sharing.take(found.items or ())
        return found
