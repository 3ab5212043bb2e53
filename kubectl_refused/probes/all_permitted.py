"""Permits where nothing is a stranger's: what a person named by its address, or an engine of theirs publishes."""

from __future__ import annotations

from collections.abc import Iterable

from kubectl_refused.model.facts import BULK, Need
from kubectl_refused.model.gaps import Gap

from .base import ProbeContext

NOTHING_SENT = Gap(BULK.about, "nothing is sent without being asked for", "--guess-protocol")


class AllPermitted:
    """Says which dials are not made: those that would send what nobody asked for."""

    def refusals(self, needs: Iterable[Need], context: ProbeContext) -> dict[Need, Gap]:
        """A Gap for each of them."""
        return unasked(needs, context)


def unasked(needs: Iterable[Need], context: ProbeContext) -> dict[Need, Gap]:
    """A Gap for every need that sends more than a dial does, unless a person asked for that."""
    return {} if context.settings.guess else {need: NOTHING_SENT for need in needs if need.fact is BULK}
