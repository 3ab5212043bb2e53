"""Findings of one path into faults: merged over endpoints, symptoms absorbed, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kubectl_refused.model.evidence import Evidence, Finding
from kubectl_refused.model.report import Root
from kubectl_refused.trace.rulings import Found

# Proofs of the same fault at other endpoints repeat themselves; this many are told.
MOST_EVIDENCE = 8


def faults(found: Sequence[Found]) -> tuple[Root, ...]:
    """The faults of one path, root first, then the others in the order in which they must be mended.

    The surest comes first; among equals the one nearest to the client. A finding that is only the symptom
    (`shows`) of another one at least as sure (`produces`) is that other one's, and goes.
    """
    left = [f for f in found if not _absorbed(f, found)]
    groups: dict[tuple[str, str], list[Found]] = {}
    for one in left:
        groups.setdefault((one.cause.code, _gist(one.finding)), []).append(one)
    surest_first = [sorted(group, key=lambda f: f.finding.certainty.rank) for group in groups.values()]
    ordered = sorted(
        surest_first,
        key=lambda g: (g[0].finding.certainty.rank, g[0].cause.rank, -len(g), g[0].cause.code),
    )
    return tuple(_root(group) for group in ordered)


def _absorbed(one: Found, found: Iterable[Found]) -> bool:
    if one.cause.shows is None:
        return False
    return any(
        one.cause.shows in other.cause.produces
        and other.cause is not one.cause
        and other.finding.certainty.rank <= one.finding.certainty.rank
        and _same_place(one, other)
        for other in found
    )


def _same_place(one: Found, other: Found) -> bool:
    """Whether both speak of one pod, or either speaks of the whole path."""
    if one.scene.pod is None or other.scene.pod is None:
        return True
    return one.scene.pod.metadata.name == other.scene.pod.metadata.name


def _gist(finding: Finding) -> str:
    """What makes two findings of one cause the same fault: the change that mends them."""
    return finding.fix.summary if finding.fix else finding.says


def _root(group: Sequence[Found]) -> Root:
    first = group[0]
    places = list(dict.fromkeys(f.finding.where for f in group))
    evidence: list[Evidence] = []
    for one in group:
        evidence += [e for e in one.finding.evidence if e not in evidence]
    return Root(
        code=first.cause.code,
        name=first.cause.slug,
        certainty=first.finding.certainty,
        where=", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else ""),
        says=first.finding.says,
        headline=first.finding.headline or first.finding.says,
        evidence=tuple(evidence[:MOST_EVIDENCE]),
        fix=msgspec.structs.replace(first.finding.fix) if first.finding.fix else None,
    )
