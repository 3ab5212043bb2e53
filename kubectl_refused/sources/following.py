"""Keep what a scan has read up to date: the three lists once, then watches that go on where they ended.

A watch ends within minutes, as API servers want it, and goes on from the version that its last event or bookmark
told. Where that version is too old (410 Gone), or the watch may not be made, the list is read anew and compared.
What waits to be taken is one entry for each object, however often it has changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.cancel import LONGEST_NAP
from kubectl_refused.connection.errors import ApiProblem, Cancelled, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.connection.watch import version_of, watch
from kubectl_refused.model.snapshot import Key, SeenObject, Snapshot, fold, key_of
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.scan import KINDS, Kind, ScanSource
from kubectl_refused.sources.sharing import pair

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

WINDOW = 240.0  # seconds of one watch
AGAIN = 1.0  # seconds before a watch that broke off begins anew
GATHER = 0.5  # seconds for changes that come together
LONGEST_PAUSE = 60.0  # seconds, where it breaks off again and again, or may be listed and not watched
GONE = 410
Tell = Callable[[Key, SeenObject | None], None]


class Following:
    """The objects of a scan, kept up by threads of its own for the length of a block."""

    def __init__(self, source: ScanSource) -> None:
        self._theirs: Connection = source.connection
        self._source = source
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._waiting: dict[Key, SeenObject | None] = {}
        self._ours: Connection | None = None
        self._snapshot = Snapshot()

    def __enter__(self) -> Following:
        """Read the lists. Raises what a scan's reading raises."""
        parts = self._source.parts()
        self._snapshot = fold(change for part in parts for change in part.changes)
        pair(self._snapshot.objects)
        known: dict[str, set[Key]] = {kind.type.__name__: set() for kind in KINDS}
        for key in self._snapshot.objects:
            known[key[0]].add(key)
        self._ours = self._theirs.clone()
        follow = ScanSource(self._ours, self._source.namespace, self._source.selector, self._source.now)
        for kind, part in zip(KINDS, parts, strict=True):
            if part.version:  # what may not be listed stays the gap that it is
                followed = _Followed(follow, kind, part.version, known[kind.type.__name__], self._tell)
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
            self._news.clear()
        before = self._snapshot.objects
        changed = {key: value for key, value in waiting.items() if before.get(key) != value}
        if changed:
            objects = dict(before)
            for key, value in changed.items():
                if value is None:
                    objects.pop(key, None)
                else:
                    objects[key] = value
            old = self._snapshot
            self._snapshot = Snapshot(objects, old.coverage, old.gaps, old.origin, taken=self._source.now())
        return frozenset(changed)

    def _tell(self, key: Key, value: SeenObject | None) -> None:
        with self._lock:
            self._waiting[key] = value
            self._news.set()


class _Followed:
    """One list: the version from which it is watched, empty to read it anew, and what is known to be in it."""

    def __init__(self, source: ScanSource, kind: Kind, version: str, known: set[Key], tell: Tell) -> None:
        self._source, self._kind, self._tell = source, kind, tell
        self._version, self._known = version, known

    def run(self) -> None:
        """Go on until the connection is cancelled."""
        pause = AGAIN
        while True:
            try:
                pause = min(self._step(pause), LONGEST_PAUSE)
                self._source.connection.cancel.wait(pause)
            except Cancelled:
                return

    def _step(self, pause: float) -> float:
        """One watch, with a reading before it where that is needed; how long to wait until the next."""
        try:
            if not self._version:
                self._read_anew()
            self._watch()
        except (Forbidden, NotFound):
            self._version = ""
            return LONGEST_PAUSE
        except ApiProblem as problem:
            self._version = "" if problem.status == GONE else self._version
            return pause * 2
        except ConnectionProblem:
            return pause * 2
        return AGAIN

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
            raise NotFound(self._kind.resource, "", "the list is refused now")
        seen = {key_of(change.value): change.value for change in part.changes if change.value is not None}
        for key in self._known - seen.keys():
            self._tell(key, None)
        for key, value in seen.items():
            self._tell(key, value)
        self._known, self._version = set(seen), part.version
