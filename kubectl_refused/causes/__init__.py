"""Every cause of a refused connection, one file each; here stand the decorator and the walking catalogue.

A cause is a generator from Scene to Finding, in causes/<hop>/<fault>.py, named like its file. Adding one
edits no existing file: the catalogue walks the package. The folder is the hop, and the order of hops
(HOPS) is the order of the path, by which the judge ranks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import Struct

from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import Fact
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import ADDRESSED, ENTRANCES, OF_PODS

# The path from the client to the process; a fault nearer to the client is mended first. Then those of containers
# without Kubernetes (publish: how they are reached, container: its state, inside: its processes) and of hosts.
_OF_SERVICES = ("name", "service", "endpoints", "pod", "forwarder", "policy", "process")
_OF_CONTAINERS = ("publish", "container", "inside")
_OF_ADDRESSES = ("address", "firewall", "host")
# In front of a Service: what takes the connection, and its rule for this host and path.
OF_ENTRANCES = ("entrance", "rule")
# Pods past every Service: what was asked for, then what stands on a Service's path behind it too.
_OF_PODS = ("direct", "pod", "forwarder", "policy", "process")
HOPS = (*OF_ENTRANCES, "direct", *_OF_SERVICES, *_OF_CONTAINERS, *_OF_ADDRESSES)
# By a target's kind: a run is about one kind, and need not load the causes of the others.
HOPS_OF: dict[str, tuple[str, ...]] = {
    "Service": _OF_SERVICES,
    "Container": _OF_CONTAINERS,
    "Compose": _OF_CONTAINERS,
    "Address": _OF_ADDRESSES,
    **dict.fromkeys(ENTRANCES, (*OF_ENTRANCES, *_OF_SERVICES)),
    **dict.fromkeys(ADDRESSED, (*OF_ENTRANCES, "direct", *_OF_SERVICES)),
    **dict.fromkeys(OF_PODS, _OF_PODS),
}


class Scope(StrEnum):
    """Which targets a cause is about, and how often it runs.

    Of a Service once per scene, per endpoint that gets traffic, or per selected pod; once per scene of a container
    without Kubernetes, or of an address; once per door of an entrance.

    PROCESS looks into a pod's network namespace: of each endpoint that gets traffic, or where none does, of each
    selected pod, since what keeps a server from listening also keeps its pod from becoming ready.
    """

    ROUTE = "route"
    ENDPOINT = "endpoint"
    POD = "pod"
    PROCESS = "process"
    CONTAINER = "container"
    ADDRESS = "address"
    ENTRANCE = "entrance"


class Symptom(StrEnum):
    """What a fault makes the hop before it see. A proved cause absorbs findings that only show its symptom."""

    NO_NAME = "no such name"
    NO_PORT = "no such port"
    NO_ENDPOINTS = "no endpoints"
    NOT_READY = "pods not ready"
    CRASH = "container exits"
    NO_LISTENER = "nothing listens"
    RST = "refused"
    SILENCE = "silence"
    DENIAL = "a NetworkPolicy denies it"
    REJECT = "rejected"
    WRONG_RULES = "the Service's rules are wrong on a node"
    RESET = "accepted, then closed"
    HANGING = "accepted, never answered"
    UNACCEPTED = "connections wait to be accepted"
    OTHER_PORT = "listens on another port"


Check = Callable[[Scene], Iterator[Finding]]


class Cause(Struct, frozen=True):
    """One entry of the catalogue.

    `produces` are the symptoms it makes others show; `shows` is the symptom this finding merely is, None for a
    root of its own. `also` are codes of the same fault in other dresses, which have no file of their own.
    `protocol` is that of the Service ports it looks at; one that hears neither dials nor sockets looks at all.
    What a `note` finds is no fault: it changes no outcome and no exit code, and what it lacks is nothing missing.
    What `needs_symptom` has no word to say, and nothing to ask, of a Service's path on which nothing was dialled
    and all looks well (trace/calm.py): a scan of objects does not run it there.
    """

    code: str
    name: str
    hop: str
    scope: Scope
    reads: frozenset[Fact[Any]]
    produces: frozenset[Symptom]
    shows: Symptom | None
    since: str
    manual: str
    check: Check
    also: tuple[str, ...] = ()
    protocol: str = "TCP"
    note: bool = False
    needs_symptom: bool = False

    @property
    def slug(self) -> str:
        """The file name with dashes, as reports print it."""
        return self.name.replace("_", "-")

    @property
    def codes(self) -> tuple[str, ...]:
        """Its own code, then those that it covers as well."""
        return (self.code, *self.also)

    @property
    def rank(self) -> int:
        """The hop's place on the path."""
        return HOPS.index(self.hop)

    @property
    def title(self) -> str:
        """The manual's first line without its full stop."""
        return self.manual.strip().splitlines()[0].rstrip(".")


def cause(
    code: str,
    *,
    scope: Scope,
    produces: Symptom | Iterable[Symptom] = (),
    reads: Iterable[Fact[Any]] = (),
    shows: Symptom | None = None,
    since: str,
    also: Iterable[str] = (),
    protocol: str = "TCP",
    note: bool = False,
    needs_symptom: bool = False,
) -> Callable[[Check], Check]:
    """Declare a cause. The manual page is the module's docstring; name and hop come from its path."""
    # A Symptom is a str, and so iterable itself.
    symptoms = frozenset([produces] if isinstance(produces, Symptom) else produces)

    def declare(check: Check) -> Check:
        module = importlib.import_module(check.__module__)
        hop, name = check.__module__.rsplit(".", 2)[-2:]
        entry = Cause(
            code,
            name,
            hop,
            scope,
            frozenset(reads),
            symptoms,
            shows,
            since,
            module.__doc__ or "",
            check,
            tuple(also),
            protocol,
            note,
            needs_symptom,
        )
        check.cause = entry  # type: ignore[attr-defined]
        return check

    return declare


@cache
def catalogue(kind: str = "") -> tuple[Cause, ...]:
    """All causes, or those about one kind of target, by code. Imports their files: call it when causes run."""
    found = []
    for hop in HOPS_OF[kind] if kind else [one.name for one in pkgutil.iter_modules(__path__) if one.ispkg]:
        package = importlib.import_module(f"{__name__}.{hop}")
        for entry in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{entry.name}")
            found.append(getattr(module, entry.name).cause)
    return tuple(sorted(found, key=lambda c: c.code))
