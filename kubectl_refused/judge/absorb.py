"""Findings of one path into faults: merged over endpoints, symptoms absorbed, ranked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_refused.fixes.trials import trials, tried, untried
from kubectl_refused.model.evidence import Evidence, Finding, Fix, PacketEvidence, SocketEvidence
from kubectl_refused.model.facts import PODS_IN, NamespaceKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.report import IgnoredTold, Root
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.rulings import Found, Ruling

from .sources import source_of

# Proofs of the same fault at other endpoints repeat themselves; this many are told.
MOST_EVIDENCE = 8


def faults(found: Sequence[Found]) -> tuple[Root, ...]:
    """The faults of one path, root first, then the others in the order in which they must be mended.

    The surest comes first; among equals the one nearest to the client. A finding that is only the symptom
    (`shows`) of another one at least as sure (`produces`) is that other one's, and goes.
    """
    return tuple(_root(group) for group in _told_groups(found))


def overlooked(found: Sequence[Found]) -> tuple[IgnoredTold, ...]:
    """The faults of one path that are ignored, root first; their symptoms are absorbed as ever."""
    told = (one for group in _groups(found) for one in group if one.ignored)
    return tuple(dict.fromkeys(_ignored(one) for one in told))


def _ignored(one: Found) -> IgnoredTold:
    assert one.ignored is not None
    return IgnoredTold(
        code=one.cause.code,
        name=one.cause.slug,
        certainty=one.finding.certainty,
        where=one.finding.where,
        says=one.finding.says,
        by=one.ignored.by,
        reason=one.ignored.reason,
    )


def _told_groups(found: Sequence[Found]) -> list[list[Found]]:
    """The groups without what is ignored."""
    groups = ([one for one in group if not one.ignored] for group in _groups(found))
    return [group for group in groups if group]


def root_of(found: Sequence[Found]) -> Found | None:
    """The surest finding of the root."""
    return next((group[0] for group in _told_groups(found)), None)


def open_trials(rulings: Iterable[Ruling]) -> list[Need]:
    """What is to be tried of each path's fix before it is told, once nothing else is open."""
    return list(dict.fromkeys(need for scene, fix in _first_fixes(rulings) for need in trials(scene, fix)))


def untried_fixes(rulings: Iterable[Ruling]) -> list[Gap]:
    """Why a fix could not be tried."""
    gaps = (untried(scene, fix) for scene, fix in _first_fixes(rulings))
    return [gap for gap in gaps if gap is not None]


def fixed_pods(ruling: Ruling) -> list[Pod]:
    """The pods to which the root's fix will lead."""
    for scene, fix in _first_fixes([ruling]):
        names = {(to.namespace, to.pod) for to in fix.leads_to}
        space = scene.target.namespace
        around = scene.known(PODS_IN, NamespaceKey(space)) or scene.snapshot.pods(space)
        return [p for p in around if (p.metadata.namespace, p.metadata.name) in names]
    return []


def _first_fixes(rulings: Iterable[Ruling]) -> Iterable[tuple[Scene, Fix]]:
    """The fix of each path's root, and the scene it was found in."""
    for ruling in rulings:
        first = next(iter(_told_groups(ruling.found)), None)
        if first and first[0].finding.fix:
            yield first[0].scene, first[0].finding.fix


def _groups(found: Sequence[Found]) -> list[list[Found]]:
    """Findings of the same fault together, the surest of each first; the root's group before the others."""
    left = [f for f in found if not _absorbed(f, found)]
    groups: dict[tuple[str, str], list[Found]] = {}
    for one in left:
        groups.setdefault((one.cause.code, _gist(one.finding)), []).append(one)
    surest_first = [sorted(group, key=lambda f: f.finding.certainty.rank) for group in groups.values()]
    ranked = sorted(
        surest_first,
        key=lambda g: (g[0].finding.certainty.rank, g[0].cause.rank, -len(g), g[0].cause.code),
    )
    return [group for place, group in enumerate(ranked) if not _mended_with(group, ranked[:place])]


def _mended_with(group: Sequence[Found], before: Iterable[Sequence[Found]]) -> bool:
    """Whether the very change that mends a fault before it mends this one: then it is told once."""
    fix = group[0].finding.fix
    earlier = (other[0].finding.fix for other in before)
    return bool(fix and fix.request and any(e and e.request == fix.request for e in earlier))


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
        # The same fault elsewhere repeats the first one's proof: what is new there is what its own dial met.
        told = one.finding.evidence if one is first else _own(one.finding.evidence)
        evidence += [e for e in told if e not in evidence]
    fix, trial = tried(first.scene, first.finding.fix) if first.finding.fix else (None, ())
    return Root(
        code=first.cause.code,
        name=first.cause.slug,
        certainty=first.finding.certainty,
        where=", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else ""),
        says=first.finding.says,
        headline=first.finding.headline or first.finding.says,
        evidence=(*evidence[:MOST_EVIDENCE], *trial),
        fix=fix,
        source=source_of(first),
    )


def _own(evidence: Iterable[Evidence]) -> list[Evidence]:
    return [e for e in evidence if isinstance(e, PacketEvidence | SocketEvidence)]
