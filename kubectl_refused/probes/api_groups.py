"""Which groups of kinds that not every cluster has are served: one request, whatever their number."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from kubectl_refused.sources.decoding import decode

from .base import ProbeContext

MOST_VERSIONS = 3


class _Version(msgspec.Struct):
    version: str = ""


class _Group(msgspec.Struct):
    name: str = ""
    versions: tuple[_Version, ...] = ()


class _Groups(msgspec.Struct):
    groups: tuple[_Group, ...] = ()


def served(context: ProbeContext, ours: Collection[str]) -> dict[str, list[str]]:
    """The versions of each of these groups that the cluster serves, the one it prefers first.

    Raises Forbidden, NotFound, ApiProblem, or OddObject for a list that is none.
    """
    groups = decode(context.connection.get_bytes("/apis"), _Groups)
    return {g.name: [v.version for v in g.versions][:MOST_VERSIONS] for g in groups.groups if g.name in ours}
