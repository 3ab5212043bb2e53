"""Whether an address that a container dials is the engine's own machine. Pure."""

from __future__ import annotations

from kubectl_refused.model.scene import Scene

from .engine_objects import client_in


def is_engines_machine(scene: Scene, host: str) -> bool:
    """Whether a client in a container asks for the machine that it runs on, and that is this one.

    host.docker.internal with `host-gateway` is the gateway of the engine's own bridge, and each network has one.
    """
    client = client_in(scene)
    if client is None or not scene.snapshot.engine.local:
        return False
    gateways = {one.gateway for one in (client.network_settings.networks or {}).values()}
    return host in gateways | set(scene.snapshot.engine.addresses)
