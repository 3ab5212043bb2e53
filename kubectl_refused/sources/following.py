"""Keep what a scan has read up to date: the three lists once, then watches that go on where they ended.

A watch ends within minutes, as API servers want it, and goes on from the version that its last event or bookmark
told. Where that version is too old (410 Gone), or the watch may not be made, the list is read anew and compared.
What waits to be taken is one entry for each object, however often it has changed. A list that is refused, or that
cannot be read for minutes, is a gap until it is read, and is asked for now and then; what was read before stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kubectl_refused.connection.cancel import LONGEST_NAP
from kubectl_refused.connection.errors import ApiProblem, Cancelled, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.connection.watch import version_of, watch
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Change, Coverage, Key, SeenObject, Snapshot, fold, key_of
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of
from kubectl_refused.sources.scan import KINDS, Kind, Part, ScanSource
from kubectl_refused.sources.sharing import pair

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

WINDOW = 240.0  # seconds of one watch
AGAIN = 1.0  # seconds before a watch that broke off begins anew
GATHER = 0.5  # seconds for changes that come together
LONGEST_PAUSE = 60.0  # seconds, where it breaks off again and again, or may not be listed or watched
GONE = 410
Tell = Callable[[Key, SeenObject | None], None]


class Standing(NamedTuple):
    """What a list told beside its objects: how much of it was read, and what was not."""

    coverage: frozenset[Coverage]
    gaps: tuple[Gap, ...]


class Following:
    """The objects of a scan, kept up by threads of its own for the length of a block."""

    def __init__(self, source: ScanSource) -> None:
        self._theirs: Connection = source.connection
        self._source = source
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._waiting: dict[Key, SeenObject | None] = {}
        self._standings: dict[Kind, Standing] = {}
        self._ours: Connection | None = None
        self._snapshot = Snapshot()

    def __enter__(self) -> Following:
        """Read the lists. Raises what a scan's reading raises."""
        parts = self._source.parts()
        self._snapshot = fold(change for part in parts for change in part.changes)
        pair(self._snapshot.objects)
        self._standings = {kind: standing_of(part) for kind, part in zip(KINDS, parts, strict=True)}
        known: dict[str, set[Key]] = {kind.type.__name__: set() for kind in KINDS}
        for key in self._snapshot.objects:
            known[key[0]].add(key)
        self._ours = self._theirs.clone()
        follow = ScanSource(self._ours, self._source.namespace, self._source.selector, self._source.now)
        for kind, part in zip(KINDS, parts, strict=True):
            hears = (self._tell, partial(self._stand, kind))
            followed = _Followed(follow, kind, part.version, known[kind.type.__name__], *hears)
            threading.Thread(target=followed.run, daemon=True, name="watch").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._ours is not None:
            self._ours.cancel.set()
            self._ours.close()

    @property
    def snapshot(self) -> Snapshot:
        """As of the last `take`."""
        return self._snapshot

    def wait(self, seconds: float) -> bool:
        """Wait for news, for at most so long; whether there are any. Raises Cancelled."""
        end = time.monotonic() + seconds
        while not self._news.wait(LONGEST_NAP) and time.monotonic() < end:
            self._theirs.cancel.check()
        self._theirs.cancel.check()
        if self._news.is_set():
            self._theirs.cancel.wait(min(GATHER, max(end - time.monotonic(), 0.0)))
        return self._news.is_set()

    def take(self) -> frozenset[Key]:
        """Bring the snapshot up to date; the keys of what is not as it was."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            standings = [*self._standings.values()]
            self._news.clear()
        old = self._snapshot
        changed = {key: value for key, value in waiting.items() if old.objects.get(key) != value}
        objects = _changed(old.objects, changed) if changed else old.objects
        coverage = frozenset(one for standing in standings for one in standing.coverage)
        gaps = tuple(gap for standing in standings for gap in standing.gaps)
        if changed or (coverage, gaps) != (old.coverage, old.gaps):
            self._snapshot = Snapshot(objects, coverage, gaps, old.origin, taken=self._source.now())
        return frozenset(changed)

    def _tell(self, key: Key, value: SeenObject | None) -> None:
        with self._lock:
            self._waiting[key] = value
            self._news.set()

    def _stand(self, kind: Kind, part: Part) -> None:
        """A list was read anew, or refused: then it stands as it was read before, if it was, with the new gaps."""
        with self._lock:
            before, now = self._standings[kind], standing_of(part)
            self._standings[kind] = now if part.version else Standing(before.coverage, now.gaps)
            if self._standings[kind] != before:
                self._news.set()


def standing_of(part: Part) -> Standing:
    """The Standing of a list that was read or refused."""
    covered = frozenset(change.covered for change in part.changes if change.covered is not None)
    return Standing(covered, tuple(change.gap for change in part.changes if change.gap is not None))


def _changed(objects: dict[Key, SeenObject], changes: dict[Key, SeenObject | None]) -> dict[Key, SeenObject]:
    objects = dict(objects)
    for key, value in changes.items():
        if value is None:
            objects.pop(key, None)
        else:
            objects[key] = value
    return objects


class _Followed:
    """One list: the version from which it is watched, empty to read it anew, and what is known to be in it."""

    def __init__(
        self,
        source: ScanSource,
        kind: Kind,
        version: str,
        known: set[Key],
        tell: Tell,
        stand: Callable[[Part], None],
    ) -> None:
        self._source, self._kind, self._tell, self._stand = source, kind, tell, stand
        self._version, self._known = version, known

    def run(self) -> None:
        """Go on until the connection is cancelled."""
        pause = AGAIN
        try:
            if not self._version:
                self._source.connection.cancel.wait(LONGEST_PAUSE)
            while True:
                pause = min(self._step(pause), LONGEST_PAUSE)
                self._source.connection.cancel.wait(pause)
        except Cancelled:
            return

    def _step(self, pause: float) -> float:
        """One watch, with a reading before it where that is needed; how long to wait until the next."""
        try:
            if not self._version:
                self._read_anew()
                pause = AGAIN
            self._watch()
        except (Forbidden, NotFound):
            self._version = ""
            return LONGEST_PAUSE
        except ConnectionProblem as problem:
            self._fail(problem, long=pause * 2 >= LONGEST_PAUSE)
            return pause * 2
        return AGAIN

    def _fail(self, problem: ConnectionProblem, *, long: bool) -> None:
        """Where that goes on for `long` the list is read anew, and where it cannot be read that is told."""
        if long and not self._version:
            self._stand(Part([Change(self._source.now(), gap=gap_of(problem, self._kind.what))], ""))
        if long or (isinstance(problem, ApiProblem) and problem.status == GONE):
            self._version = ""

    def _watch(self) -> None:
        """Take what a watch tells until it ends."""
        path, query = self._source.place(self._kind)
        query = [*query, ("resourceVersion", self._version)]
        for change, raw in watch(self._source.connection, path, query, WINDOW, bookmarks=True):
            if change != "BOOKMARK":
                self._take(change, raw)
            self._version = version_of(raw) or self._version

    def _take(self, change: str, raw: msgspec.Raw) -> None:
        try:
            value = decode(raw, self._kind.type)
        except OddObject:
            return
        if change == "DELETED":
            self._known.discard(key_of(value))
            self._tell(key_of(value), None)
        else:
            self._known.add(key_of(value))
            self._tell(key_of(value), value)

    def _read_anew(self) -> None:
        """Read the list again; what is no longer in it is gone. Raises NotFound where it is refused."""
        part = self._source.part(self._kind)
        if not part.version:
            self._stand(part)
            raise NotFound(self._kind.resource, "", "the list is refused now")
        seen = {key_of(change.value): change.value for change in part.changes if change.value is not None}
        for key in self._known - seen.keys():
            self._tell(key, None)
        for key, value in seen.items():
            self._tell(key, value)
        self._known, self._version = set(seen), part.version
        self._stand(part)  # now that the objects are there: read and absent would be another thing
