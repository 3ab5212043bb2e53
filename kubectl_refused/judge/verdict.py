"""From rulings to the Diagnosis: the outcome, root and chain of every path, and the worst of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.facts import HANDSHAKE, Dial
from kubectl_refused.model.gaps import Aside, Gap
from kubectl_refused.model.observation import FIRST_HAND, SAID_NOTHING, Handshake, Lookup, Outcome
from kubectl_refused.model.report import Diagnosis, DialTold, GapTold, Path, Root, Step, Touched
from kubectl_refused.model.scene import Endpoint, Scene
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.trace.addresses import place
from kubectl_refused.trace.only_live import only_live
from kubectl_refused.trace.other_policies import not_evaluated
from kubectl_refused.trace.rulings import Ruling

from .absorb import faults, overlooked
from .ahead import ahead
from .beyond import beyond
from .changed import changes
from .hops import hops
from .matrix import matrices
from .notes import notes
from .outcomes import WORST_FIRST, endpoint_dials, path_outcome, worst
from .tellings import milliseconds, rejecter
from .unbelieved import outcome_behind, unbelieved, unbelieved_gaps
from .unexplained import unexplained, unexplained_gaps
from .ways import way_summary, ways_complete, ways_told


def judge(
    target: Target,
    rulings: Sequence[Ruling],
    *,
    context: str,
    depth: Depth,
    gaps: Iterable[Gap],
    touched: Iterable[tuple[str, str]],
) -> Diagnosis:
    """The whole answer about one target."""
    paths = _distinct(sorted((path(r, depth) for r in rulings), key=_badness))
    others = [gap for r in rulings for gap in not_evaluated(r.scene, proved=_proved(r))]
    if not all(_proved(r) for r in rulings):
        others += [gap for r in rulings for gap in only_live(r.scene)]
    known = dict.fromkeys([*gaps, *unexplained_gaps(rulings), *unbelieved_gaps(rulings), *others])
    told = tuple(GapTold(what=g.what, because=g.because, remedy=g.remedy) for g in known)
    return Diagnosis(
        target=str(target),
        context=context,
        namespace=target.namespace if target.in_cluster else "",
        target_kind=target.kind,
        depth=_reached(rulings),
        outcome=worst([p.outcome for p in _speaking(paths)]),
        root=next((p.root for p in paths if p.root), None),
        paths=tuple(paths),
        gaps=told,
        touched=tuple(Touched(what=what, undone=undone) for what, undone in touched),
        changed=changes(rulings),
        matrices=matrices([r.scene for r in rulings if r.scene.door is None]),
        notes=notes(rulings),
        complete=(bool(rulings) or depth is Depth.NONE) and all(_complete(r, depth) for r in rulings),
    )


def _speaking(paths: Sequence[Path]) -> Sequence[Path]:
    """The paths with a fault; where there is none those without an ignored one, and if need be all."""
    return [p for p in paths if p.root] or [p for p in paths if not p.overlooked] or paths


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Each path once: several clients of which none could dial see the same objects."""
    found: list[Path] = []
    for one in paths:
        if one not in found:
            found.append(one)
    return found


def path(ruling: Ruling, depth: Depth) -> Path:
    """One path of the report."""
    scene = ruling.scene
    roots = faults(ruling.found)
    root = roots[0] if roots else None
    dialled = path_outcome(scene, tried=depth is not Depth.NONE and not scene.from_files)
    outcome = outcome_behind(ruling, dialled)
    if root and outcome is Outcome.UNKNOWN:
        outcome = Outcome.UNTRIED
    return Path(
        vantage=str(scene.vantage),
        entrance=_entrance(scene),
        port=str(scene.number) if scene.number else (scene.target.port or ""),
        family=scene.family,
        outcome=outcome,
        root=root,
        chain=(*roots[1:], *_behind(ruling, roots)),
        hops=hops(scene, root, _hop_of(root, ruling), _endpoint_of(ruling, root)),
        dials=tuple(_dials(scene)),
        summary=_summary(scene, outcome, root),
        ignored=overlooked(ruling.found),
        rule=scene.door.rule if scene.door else "",
        way=_way(ruling, root) if scene.door or scene.target.is_service else (),
    )


def _way(ruling: Ruling, root: Root | None) -> tuple[Step, ...]:
    from .whole_way import whole_way  # loads what entrances are

    return whole_way(ruling.scene, root, _hop_of(root, ruling), _endpoint_of(ruling, root))


def _behind(ruling: Ruling, told: Sequence[Root]) -> tuple[Root, ...]:
    """Faults that only show once the root is mended, but for those that show already, and those of the Service to
    which the root's connection goes on."""
    known = {root.code for root in told}
    later = tuple(root for root in faults(ahead(ruling)) if root.code not in known)
    return (*later, *faults(beyond(ruling)))


def _endpoint_of(ruling: Ruling, root: Root | None) -> Endpoint | None:
    """The endpoint at which the root was found, None for a fault of the whole path."""
    mine = (f for f in ruling.found if root and (f.cause.code, f.finding.says) == (root.code, root.says))
    return next((f.scene.endpoint for f in mine), None)


def _hop_of(root: Root | None, ruling: Ruling) -> str:
    return next((f.cause.hop for f in ruling.found if root and f.cause.code == root.code), "")


def _entrance(scene: Scene) -> str:
    dial = scene.door_dial or scene.entrance_dial
    if dial is None:
        return scene.asked
    return place(dial.host, dial.port)


def _dials(scene: Scene) -> Iterable[DialTold]:
    before = (scene.handshake(scene.door_dial), scene.handshake(scene.entrance_dial))
    of_service = tuple(seen for seen in before if seen) + endpoint_dials(scene)
    for handshake in of_service if scene.target.is_service else ways_told(scene):
        yield DialTold(
            address=place(handshake.host, handshake.port),
            outcome=handshake.outcome,
            seconds=round(handshake.seconds, 4),
            witness=handshake.witness,
            rejected_by=rejecter(handshake, scene),
            speaks=handshake.speaks,
            heard={outcome.value: count for outcome, count in handshake.heard},
        )


def _summary(scene: Scene, outcome: Outcome, root: Root | None) -> str:
    """For a healthy path: how many endpoints accepted, and the handshake's time."""
    if root or outcome is not Outcome.ACCEPTED:
        return ""
    if not scene.target.is_service:
        return way_summary(scene)
    behind, entrance = endpoint_dials(scene), scene.handshake(scene.entrance_dial)
    accepted = sum(1 for h in behind if h.outcome is Outcome.ACCEPTED)
    first: Handshake | None = entrance or (behind[0] if behind else None)
    took = f", {milliseconds(first.seconds)}" if first else ""
    if scene.alias_port and entrance:
        spoken = f", speaks {entrance.speaks}" if entrance.speaks else ""
        return f"{place(entrance.host, entrance.port)} accepted{took}{spoken}"
    if not behind:
        return f"its address accepted{took}, no endpoint was dialled by itself"
    idle = len(scene.endpoints) - len(scene.ready_endpoints)
    others = f", {idle} more not ready for it" if idle else ""
    spoken = " and ".join(sorted({h.speaks for h in behind if h.speaks}))
    took += f", speaks {spoken}" if spoken else ""
    mute = not spoken and any(SAID_NOTHING in h.detail for h in behind)
    took += f", {SAID_NOTHING} what it speaks" if mute else ""
    return f"{accepted} of {len(scene.ready_endpoints)} endpoints accepted{others}{took}"


def _badness(one: Path) -> tuple[int, int]:
    certainty = one.root.certainty.rank if one.root else len(Certainty)
    return certainty, WORST_FIRST.index(one.outcome)


def _proved(ruling: Ruling) -> bool:
    return any(found.finding.certainty is Certainty.PROVED for found in ruling.found)


def _complete(ruling: Ruling, depth: Depth) -> bool:
    """Whether the depth asked for was reached: read everything, and dialled what `depth` promises."""
    scene = ruling.scene
    if _proved(ruling):
        return True
    if (
        any(g.because and not isinstance(g, Aside) for g in scene.snapshot.gaps)
        or unexplained(ruling)
        or unbelieved(ruling)
    ):
        return False
    if scene.target.is_entrance and not scene.ways:
        return bool(ruling.found) or depth is Depth.NONE or scene.from_files  # nothing stands there to be dialled
    if not scene.target.is_service:
        return depth is Depth.NONE or scene.from_files or ways_complete(scene)
    if scene.service is not None and scene.service.spec.type == "ExternalName" and scene.number is None:
        return depth is Depth.NONE  # where it leads is not dialled
    if not scene.is_dialled:
        return depth is Depth.NONE or scene.from_files
    if depth is Depth.NONE or scene.from_files or scene.service is None or scene.number is None:
        return True
    wanted = [d for d in (scene.door_dial, scene.entrance_dial, *_endpoint_dials(scene)) if d]
    seen = [scene.known(HANDSHAKE, d) for d in wanted]
    if depth is Depth.PASSIVE:
        return all(seen)
    return all(h is not None and h.first_hand for h in seen)


def _endpoint_dials(scene: Scene) -> tuple[Dial, ...]:
    return tuple(scene.at_endpoint(e).endpoint_dial for e in scene.ready_endpoints)


def _reached(rulings: Sequence[Ruling]) -> Literal["objects", "passive", "packets"]:
    """The deepest witness that was heard."""
    known = [value for r in rulings for value in r.scene.facts.known.values()]
    heard = {type(value).__name__ for value in known}
    witnesses = {v.witness for v in known if isinstance(v, Handshake | Lookup)}
    if witnesses & FIRST_HAND or "Listeners" in heard:
        return "packets"
    return "passive" if witnesses or heard & {"Log", "DryRun"} else "objects"
