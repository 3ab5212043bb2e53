"""A service of a compose project does not wait until the one it needs listens.

Why it refuses:
    depends_on waits until a container is started, and not until the program in it listens, unless it has
    condition: service_healthy and the other service a healthcheck. Without depends_on nothing is waited for at
    all. A client that dials at its start may meet a closed port, and get an RST. It is told as a note, since
    many programs try again by themselves; where compose restarts the service it is not told.
Confirm:
    docker compose config    # depends_on and healthcheck of both services
Fix:
    Give the server a healthcheck, and its client depends_on with condition: service_healthy.
See:
    https://docs.docker.com/compose/how-tos/startup-order/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_proofs import inspected
from kubectl_refused.trace.mentions import clients, mentions, names_of
from kubectl_refused.trace.start_order import DEPENDS_ON, STARTED, condition_on, has_health_check, tries_again

MOST_TOLD = 3


@cause("KR628", scope=Scope.CONTAINER, since="0.5", note=True)
def nothing_waits_for_server(scene: Scene) -> Iterator[Finding]:
    """Yield for each service of the file, or the client that was named, which needs this one and does not wait."""
    server = scene.container
    if server is None:
        return
    hasty = (one for one in clients(scene) if _may_be_early(one, server))
    yield from (_told(scene, client, server) for client, _ in zip(hasty, range(MOST_TOLD), strict=False))


def _may_be_early(client: EngineContainer, server: EngineContainer) -> bool:
    """Whether it needs the server, waits for its start at most, and compose starts it once only."""
    condition = condition_on(client, server)
    by_compose = DEPENDS_ON in (client.config.labels or {}) and client.state.status in ("running", "")
    if not by_compose or tries_again(client) or condition not in ("", STARTED):
        return False
    told = any(m.host in names_of(server) for m in mentions(client))
    return told or (condition == STARTED and has_health_check(server))


def _told(scene: Scene, client: EngineContainer, server: EngineContainer) -> Finding:
    condition = condition_on(client, server)
    waited = f"{client.called} waits for {condition or 'nothing'}"
    checked = f"{server.called} has {'a' if has_health_check(server) else 'no'} healthcheck"
    field = "Config.Labels.depends_on" if condition else "Config.Env"
    first = "Let" if has_health_check(server) else f"Give {server.called} a healthcheck, and let"
    return Finding(
        where=f"container {client.called}",
        says=f"{waited} and {checked}: it may dial before {server.called} listens",
        evidence=(inspected(scene, client, field, server.called, f"{waited}, {checked}"),),
        fix=Fix(summary=f"{first} {client.called} depend on {server.called} with condition: service_healthy"),
    )
