"""Learn that something changed in lists of the cluster, by watches that end with the block.

A watch that is dropped, or refused with 410 Gone, begins anew; it then tells all that exists, so that who waits
reads again. Nothing is kept of what comes: whoever asked reads for himself, as a diagnosis must not come from a
cache of ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from kubectl_refused.connection.cancel import LONGEST_NAP
from kubectl_refused.connection.errors import Cancelled, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.connection.watch import watch

from .surveys import Watched

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

WINDOW = 240.0  # seconds of one watch; API servers end them within minutes anyway
AGAIN = 1.0  # seconds before a watch that broke off begins anew
GATHER = 0.2  # seconds for changes that come together
UNWATCHED = 5.0  # seconds between looks where nothing may be watched


class Watcher:
    """Watches the lists over a connection of its own. `refused` tells what may not be watched."""

    def __init__(self, connection: Connection, watched: Sequence[Watched]) -> None:
        self._ours, self._theirs = connection.clone(), connection
        self._changed = threading.Event()
        self.refused: list[str] = []
        self._watched = watched

    def __enter__(self) -> Watcher:
        for one in self._watched:
            threading.Thread(target=self._watch, args=(one,), daemon=True, name="watch").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._ours.cancel.set()
        self._ours.close()

    def wait(self, seconds: float) -> bool:
        """Wait for a change, for at most so long; whether there was one. Raises Cancelled."""
        longest = min(seconds, UNWATCHED) if self.refused else seconds
        end = time.monotonic() + longest
        while not self._changed.wait(LONGEST_NAP) and time.monotonic() < end:
            self._theirs.cancel.check()
        self._theirs.cancel.check()
        if not self._changed.is_set():
            return False
        self._theirs.cancel.wait(min(GATHER, max(end - time.monotonic(), 0.0)))
        self._changed.clear()
        return True

    def _watch(self, one: Watched) -> None:
        while not self._ours.cancel.is_set:
            try:
                for _ in watch(self._ours, one.path, one.query, WINDOW):
                    self._changed.set()
            except (Forbidden, NotFound) as problem:
                self.refused.append(problem.message)
                return
            except Cancelled:
                return  # the block has ended
            except ConnectionProblem:
                pass  # 410 Gone and dropped connections among them
            time.sleep(AGAIN)
