"""Read while what will judge is loaded: the server's answer takes as long as fifty imports."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from kubectl_refused.model.snapshot import Change
from kubectl_refused.model.target import Target

from .base import Source


class ReadAhead:
    """A source of one target, which is read from now on."""

    def __init__(self, source: Source, target: Target) -> None:
        self.origin = source.origin
        self._source, self._target = source, target
        self._changes: list[Change] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def read(self, target: Target) -> Iterable[Change]:
        """What was read meanwhile; raises what the reading raised."""
        assert target == self._target
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._changes

    def _read(self) -> None:
        try:
            self._changes += self._source.read(self._target)
        except BaseException as problem:
            self._problem = problem
