"""Where a fault stands in the manifests it was read from."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.model.evidence import Finding, ObjectEvidence
from kubectl_refused.model.report import Source
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.trace.rulings import Found

Key = tuple[str, str, str]


def source_of(found: Found) -> Source | None:
    """Where what is to change stands, or else what the proof rests on; None for what came from a cluster."""
    scene, finding = found.scene, found.finding
    if not scene.snapshot.lines:
        return None
    changed = _changed(finding)
    proofs = [*_proofs(scene, finding)]
    for key, proof in sorted(proofs, key=lambda one: one[0] != changed):
        if changed in (None, key) or changed not in scene.snapshot.lines:
            return _at(scene.snapshot, key, proof.field, proof.value)
    service = ("Service", scene.target.namespace, scene.target.name)
    known = (key for key in (changed, *(key for key, _ in proofs), service) if key in scene.snapshot.lines)
    return next((_at(scene.snapshot, key) for key in known if key), None)


def _changed(finding: Finding) -> Key | None:
    """The object that the fix changes."""
    request = finding.fix.request if finding.fix else None
    return (request.kind, request.namespace, request.name) if request else None


def _proofs(scene: Scene, finding: Finding) -> Iterator[tuple[Key, ObjectEvidence]]:
    """What the finding shows of objects that stand in a file."""
    for evidence in finding.evidence:
        if isinstance(evidence, ObjectEvidence) and (key := _key(scene, evidence.subject)):
            yield key, evidence


def _key(scene: Scene, subject: str) -> Key | None:
    """The object that `service/web` names, in the target's namespace before any other."""
    kind, _, name = subject.partition("/")
    named = scene.snapshot.derived("files' objects by kind and name", lambda: _by_kind_and_name(scene.snapshot))
    return min(named.get((kind, name), ()), key=lambda k: k[1] != scene.target.namespace, default=None)


def _by_kind_and_name(snapshot: Snapshot) -> dict[tuple[str, str], list[Key]]:
    found: dict[tuple[str, str], list[Key]] = {}
    for key in snapshot.lines:
        found.setdefault((key[0].removeprefix("Engine").lower(), key[2]), []).append(key)
    return found


def _at(snapshot: Snapshot, key: Key, field: str = "", value: object = None) -> Source:
    file, _, line = snapshot.lines[key].rpartition(":")
    passage = snapshot.passages.get(key)
    return Source(file=file, line=passage.line_of(field, value) if passage and field else int(line))
