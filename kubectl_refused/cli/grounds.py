"""Where a diagnosis takes place: a cluster, or manifest files. Each gives targets, a source and probers."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from msgspec.structs import replace

from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import ADDRESSED, HERE, Depth, Target
from kubectl_refused.probes.base import Ledger, Method, ProbeContext, ProbeSettings
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.prober import Prober
from kubectl_refused.probes.rights import Preflight
from kubectl_refused.sources.base import Source

from .request import Request

if TYPE_CHECKING:
    from kubectl_refused.pipeline import Learner
    from kubectl_refused.resolve.standpoints import Standpoint
    from kubectl_refused.sources.backwards import Backwards

Say = Callable[[str], None]


class Ground(Protocol):
    """One place. `context` is the kubeconfig context, empty for files; `namespace` the one for bare names."""

    context: str
    namespace: str
    depth: Depth
    source: Source
    ledger: Ledger

    def targets(self) -> tuple[Target, ...]:
        """The targets asked for, with their namespaces."""
        ...

    def prober(self, target: Target, say: Say) -> Learner:
        """What learns facts for one target."""
        ...

    def close(self) -> None:
        """Put away what the probers hold."""
        ...

    def cancel(self) -> None:
        """End everything that waits; must not block."""
        ...

    def spare_connection(self) -> Any:
        """A connection that a cancel of the first one leaves alone, for undo steps."""
        ...


class Listed(Protocol):
    """A source that knows every Service in it."""

    def services(self) -> list[tuple[str, str]]:
        """(namespace, name) of each. Raises ManifestProblem."""
        ...

    def gaps(self) -> list[Gap]:
        """What was not understood. Raises ManifestProblem."""
        ...


class FilesGround:
    """Manifests: nothing is dialled, created or asked."""

    context = ""
    depth = Depth.NONE

    def __init__(self, request: Request, stdin: BinaryIO | None = None) -> None:
        from kubectl_refused.sources.file_facts import FileFacts
        from kubectl_refused.sources.files import FilesSource

        self.namespace = request.connection.namespace or "default"
        stdin = stdin or (sys.stdin.buffer if "-" in request.files else None)
        source = FilesSource(
            request.files,
            recursive=request.recursive,
            stdin=stdin,
            namespace=self.namespace,
            with_entrances=any(target.is_entrance for target in request.targets),
        )
        self.source: Source = source
        self._files: Listed = source
        self._method: Method = FileFacts()
        self.ledger = Ledger()
        self._request = request

    def targets(self) -> tuple[Target, ...]:
        """Those asked for, or every Service. Raises ManifestProblem when there is no Service at all."""
        from kubectl_refused.sources.files import nothing_found

        services, request = self._files.services(), self._request
        if not services:
            raise nothing_found(request.files, self._files.gaps())
        if request.targets:
            return tuple(self._at_home(target, services) for target in request.targets)
        wanted = request.connection.namespace
        return tuple(Target(name, space) for space, name in services if wanted in (None, space))

    def _at_home(self, target: Target, services: Sequence[tuple[str, str]]) -> Target:
        """The target in its namespace; an entrance in the one that objects without one get."""
        home = self.namespace if target.is_entrance else _home(target.name, services)
        return replaced(target, namespace=target.namespace or home)

    def prober(self, target: Target, say: Say) -> Prober:
        """One that looks into the files."""
        # No method of files asks for the connection, and there is none.
        no_connection: Any = None
        return Prober(
            [self._method],
            _context(
                no_connection, target, replace(self._request.probing, depth=Depth.NONE), self.ledger, "files", say
            ),
            deepest=Depth.NONE,
        )

    def close(self) -> None:
        """Nothing is held."""

    def cancel(self) -> None:
        """Reading files ends by itself, or with the process."""

    def spare_connection(self) -> None:
        """Nothing is ever created, so nothing is undone."""


def _home(name: str, services: Sequence[tuple[str, str]]) -> str:
    """The namespace of a Service that is named without one: default, or the only one that has it."""
    spaces = [space for space, service in services if service == name]
    return spaces[0] if len(spaces) == 1 else "default"


class ClusterGround:
    """A cluster. The probers of one namespace share their methods, and so its probe pod."""

    def __init__(self, request: Request) -> None:
        """Connect. Raises ConnectionProblem; no request is made yet."""
        from kubectl_refused.connection.client import connect

        self.connection = connect(request.connection)
        self.context, self.namespace = self.connection.context_name, self.connection.namespace
        self.depth = request.probing.depth
        self._backwards = _backwards(self.connection) if request.entrances else None
        self.source: Source = self._backwards or _source_of(self.connection, request.targets)
        self.ledger = Ledger()
        self._request = request
        self._run_id = os.urandom(4).hex()
        self._methods: dict[str, list[Method]] = {}
        self._clients_in: dict[str, tuple[Client, ...]] = {}
        self._probers: dict[str, Prober] = {}
        self._targets: tuple[Target, ...] = ()
        self._preflight = Preflight()

    def targets(self) -> tuple[Target, ...]:
        """Those asked for, in the context's namespace where none was typed, with what leads to them if wanted.

        Raises what the connection raises where that is looked for.
        """
        if not self._targets:
            asked = tuple(replaced(t, namespace=t.namespace or self.namespace) for t in self._request.targets)
            self._targets = self._backwards.expanded(asked) if self._backwards else asked
        return self._targets

    def looker(self, target: Target, say: Say) -> Prober:
        """One that only reads objects: for a look at what may not be dialled yet."""
        from kubectl_refused.probes.methods import live_methods

        settings = replace(self._request.probing, depth=Depth.NONE)
        context = _context(self.connection, target, settings, self.ledger, self._run_id, say)
        return Prober(live_methods(Depth.NONE), context, preflight=self._preflight)

    def prober(self, target: Target, say: Say) -> Learner:
        """One with every method that the level allows."""
        from kubectl_refused.probes.methods import live_methods

        methods = self._methods.setdefault(target.namespace, live_methods(self.depth))
        context = _context(self.connection, target, self._request.probing, self.ledger, self._run_id, say)
        context = replace(context, clients=self._clients(target))
        prober = self._probers[target.namespace] = Prober(methods, context, preflight=self._preflight)
        return prober

    def _clients(self, target: Target) -> tuple[Client, ...]:
        """Who dials, read once for the targets of one namespace."""
        key = f"{target.namespace}/{target.kind in ADDRESSED}"
        if key not in self._clients_in:
            from kubectl_refused.probes.standing import clients_of

            points = self._request.standpoints or _eyes(target, self.depth)
            self._clients_in[key] = clients_of(
                self.connection,
                points,
                target_namespace=target.namespace,
                client_namespace=self._request.client_namespace,
                host_network=self._request.host_network,
            )
        return self._clients_in[key]

    def close(self) -> None:
        """Close every method once; whatever fails here is undone by the ledger."""
        while self._probers:
            _, prober = self._probers.popitem()
            with contextlib.suppress(Exception):
                prober.close()

    def cancel(self) -> None:
        """Raise the flag and shut every socket."""
        self.connection.cancel.set()

    def spare_connection(self) -> Any:
        """A clone with a cancel flag of its own."""
        return self.connection.clone()


def _eyes(target: Target, depth: Depth) -> Sequence[Standpoint]:
    """An address in front of the cluster is looked at from within and from here: what differs is the answer."""
    from kubectl_refused.resolve.standpoints import ANYWHERE, Standpoint

    if target.kind not in ADDRESSED or depth is Depth.NONE:
        return ()
    return (Standpoint(ANYWHERE), Standpoint(HERE)) if depth.rank >= Depth.PODS.rank else (Standpoint(HERE),)


def _backwards(connection: Any) -> Backwards:
    from kubectl_refused.sources.backwards import Backwards
    from kubectl_refused.sources.entrances import EntranceSource

    return Backwards(EntranceSource(connection), connection)


def _source_of(connection: Any, targets: Sequence[Target]) -> Source:
    """What reads the targets; who asks about Services alone need not load the rest."""
    if any(target.is_entrance for target in targets):
        from kubectl_refused.sources.entrances import EntranceSource

        return EntranceSource(connection)
    from kubectl_refused.sources.cluster import ClusterSource

    return ClusterSource(connection)


def _context(
    connection: Any, target: Target, settings: ProbeSettings, ledger: Ledger, run_id: str, say: Say
) -> ProbeContext:
    return ProbeContext(connection, target, Snapshot(), FactStore(), settings, ledger, run_id, say)
