"""The ground of a host and port: dialled from this machine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Method

from .local_ground import LocalGround
from .request import Request


class HostSource:
    """What is known of a host beforehand: nothing."""

    origin = "host"

    def read(self, target: Target) -> Iterable[Change]:
        """That nothing was left unread."""
        yield Change(time.time(), covered=Coverage("Address", ""))


class HostGround(LocalGround):
    """A host and port. This machine is looked at only once a dial has failed, or accepts here."""

    together = True

    def dials(self) -> Method:
        """Without a process of its own, as few addresses are dialled."""
        from kubectl_refused.host.dials import HereItself

        return HereItself()

    def methods(self) -> Sequence[Method]:
        """What this machine tells of itself."""
        from kubectl_refused.host.reads import HostReads

        return (HostReads(),)

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.source = HostSource()
