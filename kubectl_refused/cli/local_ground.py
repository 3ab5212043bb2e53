"""What grounds without a cluster have in common: dials start here, and whatever was named may be dialled."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import HERE, Target
from kubectl_refused.probes.all_permitted import AllPermitted
from kubectl_refused.probes.base import Ledger, Method, ProbeContext
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.here import Here
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources.base import Source

from .request import Request

Say = Callable[[str], None]
THIS_MACHINE = Client(HERE, "here", name="here")


class NoCluster:
    """Stands where the connection to a cluster would: all that is asked of it is whether to go on."""

    def __init__(self) -> None:
        self.cancel = Cancel()


class LocalGround:
    """A Ground (grounds.py) without a cluster. Its kinds give a source and methods, and may have more clients."""

    context = ""
    namespace = ""
    source: Source

    def __init__(self, request: Request) -> None:
        self.depth = request.probing.depth
        self.ledger = Ledger()
        self.connection: Any = NoCluster()
        self._request = request
        self._run_id = os.urandom(4).hex()
        self._probers: list[Prober] = []

    def methods(self) -> Sequence[Method]:
        """What learns facts here, beside the dials from this machine."""
        return ()

    def dials(self) -> Method:
        """What dials and looks names up on this machine."""
        return Here()

    def clients(self, target: Target) -> tuple[Client, ...]:
        """Who dials."""
        return (THIS_MACHINE,)

    def targets(self) -> tuple[Target, ...]:
        """Those asked for."""
        return self._request.targets

    def prober(self, target: Target, say: Say) -> Prober:
        """One with every method that the level allows."""
        context = ProbeContext(
            self.connection,
            target,
            Snapshot(),
            FactStore(),
            self._request.probing,
            self.ledger,
            self._run_id,
            say,
            self.clients(target),
        )
        self._probers.append(Prober([self.dials(), *self.methods()], context, permits=AllPermitted()))
        return self._probers[-1]

    def close(self) -> None:
        """Close every method once."""
        while self._probers:
            prober = self._probers.pop()
            with contextlib.suppress(Exception):
                prober.close()

    def cancel(self) -> None:
        """End everything that waits."""
        self.connection.cancel.set()

    def spare_connection(self) -> Any:
        """What undo steps are given; a cancel of the first one leaves it alone."""
        return NoCluster()
