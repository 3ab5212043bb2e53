"""The service that belongs on the port does not run.

Why it refuses:
    systemd knows a service for the port, and it is not running: it failed when it was started (often at boot,
    before what it needs was there), it ended, or systemd starts it again and again. Its journal says why: the
    address is in use by another process, a port below 1024 without the right to bind it, an address that the
    machine does not have, a crash.
Confirm:
    systemctl status UNIT; journalctl -u UNIT -b
Fix:
    Mend what its journal names, then start it: systemctl restart UNIT.
See:
    https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Evidence, Finding, Fix, LogEvidence, ObjectEvidence
from kubectl_refused.model.facts import HANDSHAKE, HOST_SOCKETS, UNITS, MachineKey
from kubectl_refused.model.host import HostSocket, Unit
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import down_for, is_here, on_port, owned, trouble
from kubectl_refused.trace.proofs import packet
from kubectl_refused.trace.units import Reason, ending, names_port, reason_of, state_told


@cause(
    "KR725",
    scope=Scope.ADDRESS,
    reads={HANDSHAKE, HOST_SOCKETS, UNITS},
    produces=(Symptom.RST, Symptom.NO_LISTENER),
    since="0.4",
)
def service_is_down(scene: Scene) -> Iterator[Finding]:
    """Yield the service whose journal names the port (proved), or whose name goes with it (likely)."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or not is_here(failed):
        return
    seen = scene.need(HOST_SOCKETS, MachineKey())
    unit = down_for(scene, failed, seen)
    if unit:
        yield _finding(scene, unit, failed, seen.sockets, proved=names_port(unit, failed.port))


def _finding(
    scene: Scene, unit: Unit, failed: Handshake, sockets: tuple[HostSocket, ...], *, proved: bool
) -> Finding:
    reason = reason_of(unit.lines)
    evidence: list[Evidence] = [
        ObjectEvidence(
            witness="systemd", subject=unit.name, says=state_told(unit), field="ActiveState", value=unit.active
        )
    ]
    if reason:
        evidence.append(LogEvidence(witness="journal", subject=unit.name, says=reason.line, line=reason.line))
    taken = on_port(sockets, reason.port) if reason and reason.port else ()
    why = (reason.says + (f" by {owned(taken[0])}" if taken else "")) if reason else ending(unit)
    return Finding(
        where=unit.name,
        says=f"{state_told(unit)}: {why}" if why else state_told(unit),
        headline=f"{unit.name} {'fails again and again' if unit.restarting else _ended(unit)}"
        + (f": {why}" if why else ""),
        certainty=Certainty.PROVED if proved else Certainty.LIKELY,
        evidence=(*evidence, packet(scene, failed)),
        fix=_fix(unit, reason),
    )


def _ended(unit: Unit) -> str:
    if unit.failed:
        return "failed to start at boot" if unit.at_boot else "failed"
    return "is not started"


def _fix(unit: Unit, reason: Reason | None) -> Fix:
    command = f"systemctl {'restart' if unit.failed or unit.restarting else 'start'} {unit.name}"
    if reason:
        return Fix(summary=f"{reason.advice}, then start it", command=command, owner=unit.name)
    return Fix(
        summary="Start it; journalctl -u shows what keeps it from running", command=command, owner=unit.name
    )
