"""The types of Secrets that Ingresses name, as the API server prints them: what is in a Secret is not asked for.

RBAC has no right to that alone, so manifests/rbac.yaml does not grant it: who may not read Secrets is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import SECRET_TYPE, Fact, Need, SecretKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import SecretSeen
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.reads import each, gap_of, namespaced

COLUMN = "Type"  # of kubectl's table; pkg/printers/internalversion/printers.go of Kubernetes


class SecretReads:
    """Asks for one line of a table for each Secret, side by side."""

    name = "secret-reads"
    order = 0
    depth = Depth.NONE
    facts: frozenset[Fact[Any]] = frozenset({SECRET_TYPE})
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """The subject of each need is a SecretKey."""
        return list(zip(needs, each(partial(_type, context), [need.subject for need in needs]), strict=True))


def _type(context: ProbeContext, key: SecretKey) -> SecretSeen | Gap:
    what = f"secret/{key.name}"
    try:
        row = context.connection.get_row(namespaced(key.namespace, "secrets", key.name))
    except NotFound:
        return SecretSeen()
    except (Forbidden, ApiProblem) as error:
        return gap_of(error, what)
    return SecretSeen(row[COLUMN]) if row.get(COLUMN) else Gap(what, "its line has no type")
