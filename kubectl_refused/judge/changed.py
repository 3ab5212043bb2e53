"""What changed last on a path that fails, told beside its cause and never as the cause itself.

Asked of objects only, once the causes have said what they can, and never on a path that works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kubectl_refused.model.facts import POLICIES_IN, REPLICA_SETS, WORKLOAD, NamespaceKey, Need
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.report import Changed
from kubectl_refused.model.scene import pod_key
from kubectl_refused.text import mask, one_line
from kubectl_refused.trace.rulings import Ruling

from .absorb import fixed_pods
from .outcomes import FAILING, path_outcome

if TYPE_CHECKING:
    from kubectl_refused.trace.changes import Entry

# A fault is young while whoever is called to it still works in the shift in which it came: an older change is
# seldom news.
YOUNG = 6 * 3600.0
MOST_TOLD = 3
# What is applied together is made within seconds; that the path was made is no change of it.
TOGETHER = 15.0


def open_changes(rulings: Iterable[Ruling]) -> list[Need]:
    """What is to be read of each failing path, and was not asked yet."""
    needs: list[Need] = []
    for ruling in rulings:
        if fails(ruling):
            needs += [n for n in _wanted(ruling) if ruling.scene.facts.get(n.fact, n.subject) is None]
    return list(dict.fromkeys(needs))


def changes(rulings: Sequence[Ruling]) -> tuple[Changed, ...]:
    """The newest changes of the failing paths, newest first."""
    failing = [r for r in rulings if fails(r)]
    if not failing:
        return ()
    from kubectl_refused.trace.changes import births  # loads what rollouts and edits are

    taken = failing[0].scene.snapshot.taken
    found = dict.fromkeys(entry for ruling in failing for entry in _entries(ruling))
    born = min((at for ruling in failing for at in births(ruling.scene, _pods(ruling))), default=taken)
    news = [e for e in found if taken - e.at <= YOUNG and (not e.created or e.at - born > TOGETHER)]
    return tuple(
        _told(entry, taken) for entry in sorted(news, key=lambda e: (-e.at, e.revision is None))[:MOST_TOLD]
    )


def fails(ruling: Ruling) -> bool:
    """Whether something is wrong with the path, as far as it is known. Manifests have no history."""
    scene = ruling.scene
    if scene.from_files or scene.service is None:
        return False
    return bool(ruling.found) or path_outcome(scene, tried=True) in FAILING


def _told(entry: Entry, taken: float) -> Changed:
    """A clock that runs ahead of this machine's tells of no future."""
    stamp = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    age, by = max(0, round(taken - entry.at)), one_line(mask(entry.by), 60)
    return Changed(what=entry.what, says=entry.says, at=stamp, age=age, by=by, revision=entry.revision)


def _wanted(ruling: Ruling) -> Iterator[Need]:
    from kubectl_refused.trace.changes import one_of_each

    pods = list(one_of_each(_pods(ruling)))
    for pod in pods:
        if any(o.controller for o in pod.metadata.owner_references or ()):
            yield Need(WORKLOAD, pod_key(pod))
        if any(o.controller and o.kind == "ReplicaSet" for o in pod.metadata.owner_references or ()):
            yield Need(REPLICA_SETS, pod_key(pod))
    if pods:
        yield Need(POLICIES_IN, NamespaceKey(ruling.scene.target.namespace))


def _pods(ruling: Ruling) -> list[Pod]:
    """Those the Service selects; where it selects none, those to which its fix would lead."""
    return list(ruling.scene.pods) or fixed_pods(ruling)


def _entries(ruling: Ruling) -> Iterator[Entry]:
    """Restarts are told where no fault of the pod itself tells them: a crash loop is nothing but those."""
    from kubectl_refused.trace.changes import entries, restarts

    pods = _pods(ruling)
    yield from entries(ruling.scene, pods)
    if not any(found.cause.hop == "pod" for found in ruling.found):
        yield from restarts(pods)
