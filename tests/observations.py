"""Load observations: what probes saw in a case, written as YAML.

- fact: handshake                     # a Fact's name
  of: {host: 10.0.0.1, port: 80}      # the fields of its subject
  value: {outcome: refused, …}        # the fields of its value; those of the subject need not be repeated
- fact: listeners
  of: {namespace: shop, name: web-1}
  gap: {what: listeners, because: "forbidden: create pods/exec"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import Fact, Need
from kubectl_refused.model.firewall import Firewall
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import HostSockets, Machine, Space, Units
from kubectl_refused.model.observation import (
    Bulk,
    Connections,
    DryRun,
    Handshake,
    Holder,
    Listeners,
    Log,
    Lookup,
    NodeSettings,
    Search,
    SecretSeen,
)

# Fact to the type of its subject and of its value.
_TYPES: dict[str, tuple[type[Any], Any]] = {
    f.HANDSHAKE.name: (f.Dial, Handshake),
    f.FORWARD.name: (f.PodPort, Handshake),
    f.SEARCH.name: (f.PodPort, Search),
    f.INSIDE.name: (f.InsideDial, Handshake),
    f.BULK.name: (f.BulkDial, Bulk),
    f.EARLY.name: (f.Dial, Handshake),
    f.NODE_SETTINGS.name: (f.NodeView, NodeSettings),
    f.LISTENERS.name: (f.PodKey, Listeners),
    f.CONNECTIONS.name: (f.PodKey, Connections),
    f.LOG.name: (f.ContainerKey, Log),
    f.LOOKUP.name: (f.NameKey, Lookup),
    f.DRY_RUN.name: (f.PatchKey, DryRun),
    f.HOLDER.name: (f.AddressKey, Holder),
    f.SECRET_TYPE.name: (f.SecretKey, SecretSeen),
    f.CONTAINER_LISTENERS.name: (f.EngineKey, Listeners),
    f.CONTAINER_LOG.name: (f.EngineKey, Log),
    f.HOST_SOCKETS.name: (f.MachineKey, HostSockets),
    f.FIREWALL.name: (f.MachineKey, Firewall),
    f.UNITS.name: (f.PortKey, Units),
    f.SPACES.name: (f.MachineKey, tuple[Space, ...]),
    f.MACHINE.name: (f.MachineKey, Machine),
}
_FACTS: dict[str, Fact[Any]] = {fact.name: fact for fact in f.ALL}


def load_observations(path: Path) -> dict[Need, Any]:
    """Values and Gaps by need; empty where there is no such file. Raises KeyError or msgspec.ValidationError."""
    if not path.exists():
        return {}
    entries = yaml.safe_load(path.read_text()) or []
    return dict(_observation(entry) for entry in entries)


def _observation(entry: dict[str, Any]) -> tuple[Need, Any]:
    subject_type, value_type = _TYPES[entry["fact"]]
    subject = subject_type(**entry["of"])
    need = Need(_FACTS[entry["fact"]], subject)
    if "gap" in entry:
        return need, Gap(**entry["gap"])
    known = {"host": "localhost", "port": entry["of"]["port"]} if entry["fact"] == f.FORWARD.name else {}
    if entry["fact"] in (f.HANDSHAKE.name, f.EARLY.name, f.LOOKUP.name):
        known = entry["of"]
    if entry["fact"] in (f.INSIDE.name, f.BULK.name):
        known = {"host": entry["of"]["host"], "port": entry["of"]["port"]}
    if isinstance(entry["value"], list):
        return need, msgspec.convert(entry["value"], value_type)
    return need, msgspec.convert({**known, **entry["value"]}, value_type)
