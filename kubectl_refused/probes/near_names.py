"""What a name that is not in the cluster was probably meant to be: on the way to an error only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Namespace  # nothing but metadata, so it fits every object
from kubectl_refused.trace.nearest import did_you_mean

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

ONE_PAGE = 500


def instead_of(connection: Connection, path: str, name: str, otherwise: str, before: str = "") -> str:
    """`did you mean pod/web-1?` by the names listed at `path`, with `before` in front; else `otherwise`."""
    try:
        page = next(iter(connection.list_items(path, page_size=ONE_PAGE)), [])
        names = [decoded(item, Namespace).metadata.name for item in page]
    except (Forbidden, NotFound, ApiProblem, msgspec.MsgspecError):
        return otherwise
    return did_you_mean(name, names, otherwise, before)
