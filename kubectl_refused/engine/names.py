"""Names as a container finds them, without a program in it: its /etc/hosts, and the engine's names of containers.

All other names are asked for inside it (dials.py): a resolver of this machine may well answer otherwise.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.facts import LOOKUP, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Lookup
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.text import one_line
from kubectl_refused.trace.engine_objects import shared_networks
from kubectl_refused.trace.mentions import names_of

from .connect import api_of
from .dials import client_of

WHAT = "a name as the client finds it"
HOSTS = "/etc/hosts"
LARGEST = 1 << 20  # bytes
DEFAULT_BRIDGE = "bridge"  # on which the engine answers no names


class ContainerNames:
    """Reads what the engine wrote for the container; nothing runs in it."""

    name = "container-names"
    order = 3
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({LOOKUP})
    rights: tuple[Right, ...] = ()

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need's client is a container."""
        return context.client_of(need).standing == "container"

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Lookup for each name that is known here, else a Gap."""
        for need in needs:
            context.connection.cancel.check()
            client = client_of(context.snapshot, context.client_of(need).name)
            yield need, _found(need.subject.name, client, context) if client else Gap(WHAT, "the client is gone")


def _found(name: str, client: EngineContainer, context: ProbeContext) -> Lookup | Gap:
    began = time.monotonic()
    try:
        written = tuple(in_hosts(_hosts(client, context), name))
    except Exception as error:
        return Gap(WHAT, f"{HOSTS} of {client.called} cannot be read: {one_line(str(error))}")
    known = written or tuple(_of_containers(name, client, context.snapshot))
    if not known:
        return Gap(WHAT, f"{HOSTS} of {client.called} has no {one_line(name)}, and no container is called so")
    witness = f"{HOSTS} of {client.called}" if written else "the engine's names of containers"
    return Lookup(name, known, round(time.monotonic() - began, 6), witness)


def _hosts(client: EngineContainer, context: ProbeContext) -> str:
    """The file as the engine wrote it (GET /containers/ID/archive), whatever is in the image."""
    data, _ = api_of(context).get_archive(client.id, HOSTS)
    packed = bytearray()
    for piece in data:
        packed += piece
        if len(packed) > LARGEST:
            break
    with tarfile.open(fileobj=io.BytesIO(bytes(packed))) as tar:
        file = tar.extractfile(next(iter(tar)))
        return file.read(LARGEST).decode(errors="replace") if file else ""


def in_hosts(text: str, name: str) -> Iterator[str]:
    """The addresses of the name, as hosts(5) has it."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and name.lower() in (word.lower() for word in words[1:]):
            try:
                yield str(ip_address(words[0]))
            except ValueError:
                continue


def _of_containers(name: str, client: EngineContainer, snapshot: Snapshot) -> Iterator[str]:
    """Addresses of the container of that name, on networks of both on which the engine answers names."""
    for other in snapshot.containers():
        if name in names_of(other):
            networks = other.network_settings.networks or {}
            shared = (networks[one] for one in shared_networks(other, client) if one != DEFAULT_BRIDGE)
            yield from (one.ip_address for one in shared if one.ip_address)
