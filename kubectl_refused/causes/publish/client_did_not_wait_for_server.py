"""The client started together with its server, dialled at once, and ended.

Why it refuses:
    depends_on in its short form, or with condition: service_started, waits until the other container is
    started, and not until the program in it listens. Databases need seconds for that; meanwhile the port is
    closed and the container's kernel answers RST. A client that ends at the first refusal stays down, though
    the server accepts soon after.
Confirm:
    docker inspect -f '{{.State.StartedAt}} {{.State.FinishedAt}}' CLIENT SERVER
    docker logs --tail 20 CLIENT
Fix:
    Give the server a healthcheck and the client depends_on with condition: service_healthy, or let the client
    try again (restart: on-failure).
See:
    https://docs.docker.com/compose/how-tos/startup-order/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, LogEvidence
from kubectl_refused.model.facts import CONTAINER_LISTENERS, CONTAINER_LOG, EngineKey
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.engine_objects import ending_told
from kubectl_refused.trace.engine_proofs import inspected, subject_of
from kubectl_refused.trace.engine_sockets import sockets_told
from kubectl_refused.trace.refusals_in_logs import Refusal, refusal_of
from kubectl_refused.trace.sockets import is_loopback
from kubectl_refused.trace.start_order import condition_on, has_health_check, pairs, seconds_between, waits

SOON = 120.0  # seconds in which a database has made its files


@cause(
    "KR626",
    scope=Scope.CONTAINER,
    reads={CONTAINER_LOG, CONTAINER_LISTENERS},
    produces=(Symptom.CRASH, Symptom.RST),
    since="0.5",
)
def client_did_not_wait_for_server(scene: Scene) -> Iterator[Finding]:
    """Yield when the client's log says that the server refused it, soon after the server's start."""
    for client, server in pairs(scene):
        if _ended_early(client, server) and not waits(client, server):
            log = scene.maybe(CONTAINER_LOG, EngineKey(client.id))
            refusal = refusal_of(log.lines, server) if log else None
            if refusal is not None:
                yield from _told(scene, client, server, refusal)


def _ended_early(client: EngineContainer, server: EngineContainer) -> bool:
    """Whether it failed about when the server was started, which runs."""
    if client.state.status not in ("exited", "restarting") or server.state.status != "running":
        return False
    after = seconds_between(server.state.started_at, client.state.finished_at)
    return client.state.exit_code != 0 and after is not None and abs(after) <= SOON


def _told(scene: Scene, client: EngineContainer, server: EngineContainer, refusal: Refusal) -> Iterator[Finding]:
    found = scene.maybe(CONTAINER_LISTENERS, EngineKey(server.id))
    if found is not None and not _listens(found, refusal.port):
        return
    after = seconds_between(server.state.started_at, client.state.finished_at) or 0.0
    when = f"{after:.1f} s after" if after >= 0 else f"{-after:.1f} s before"
    says = f"{client.called} {ending_told(client.state)} {when} the start of {server.called}"
    yield Finding(
        where=f"container {client.called}",
        says=f"{says}, which refused it and listens now" if found else f"{says}, which refused it",
        headline=f"{client.called} did not wait until {server.called} listens, and ended",
        certainty=Certainty.PROVED if found else Certainty.LIKELY,
        evidence=tuple(_evidence(scene, client, server, refusal, says, found)),
        fix=_fix(client, server, scene.snapshot.engine.tool),
    )


def _listens(found: Listeners, port: int) -> bool:
    """Whether others get in now; each container has the engine's names (127.0.0.11) on its loopback."""
    return any(socket.port == port or not port for socket in found.sockets if not is_loopback(socket.address))


def _evidence(
    scene: Scene,
    client: EngineContainer,
    server: EngineContainer,
    refusal: Refusal,
    says: str,
    found: Listeners | None,
) -> tuple[Evidence, ...]:
    line = LogEvidence(witness="log", subject=subject_of(client), says="its log says", line=refusal.line)
    condition = condition_on(client, server)
    waited = f"depends_on: {condition}" if condition else "nothing makes it wait"
    check = "has a health check" if has_health_check(server) else "has no health check"
    order = f"{client.called}: {waited}; {server.called} {check}"
    return (
        line,
        inspected(scene, client, "State.FinishedAt", client.state.finished_at, says),
        inspected(scene, client, "Config.Labels.depends_on", condition, order),
        *([sockets_told(server, found)] if found else []),
    )


def _fix(client: EngineContainer, server: EngineContainer, tool: str) -> Fix:
    again = f"{tool} start {client.called}"
    if not condition_on(client, server):
        return Fix(
            summary=f"Start {client.called} now that {server.called} listens, and let it try again when it fails",
            command=f"{tool} update --restart on-failure {client.called} && {again}",
        )
    first = "" if has_health_check(server) else f"Give {server.called} a healthcheck, and "
    start = "let" if first else "Let"
    told = f"{first}{start} {client.called} depend on it with condition: service_healthy"
    return Fix(summary=f"{told}; now start {client.called} again", command=again)
