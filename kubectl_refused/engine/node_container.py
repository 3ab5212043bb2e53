"""The container that a node of kind or minikube is: which of its ports are published on this machine."""

from __future__ import annotations

import time

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.gaps import Aside
from kubectl_refused.model.snapshot import Change
from kubectl_refused.model.target import Target

from .connect import EngineProblem, connect
from .source import EngineSource


def read_node_container(name: str) -> list[Change]:
    """The container of that name, inspected; an Aside where no engine tells, as the node may be elsewhere."""
    try:
        connection = connect()
        try:
            changes = list(EngineSource(connection).read(Target(name, "", None, "Container")))
        finally:
            connection.close()
    except EngineProblem as problem:
        return [Change(time.time(), gap=Aside(f"which ports container {name} publishes", problem.message))]
    return [
        Change(one.at, value=_ports_only(one.value))
        for one in changes
        if isinstance(one.value, EngineContainer) and one.value.called == name
    ]


def _ports_only(container: EngineContainer) -> EngineContainer:
    """Without its variables and command, which are nobody's business."""
    return EngineContainer(
        id=container.id, name=container.name, state=container.state, network_settings=container.network_settings
    )
