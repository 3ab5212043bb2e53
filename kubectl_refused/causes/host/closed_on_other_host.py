"""Closed: the host answers at once that nothing takes the connection.

Why it refuses:
    An RST within a round trip comes from a kernel that was reached and has no socket for that address and
    port: no server runs there, it is on another port, or it is bound to the host's loopback only. A firewall
    that rejects with an RST looks the same from here; one that drops would have made the client wait
    (filtered).
Confirm:
    ss -ltn 'sport = :PORT'    # on that host; or there: kubectl refused :PORT
Fix:
    Start the server on that host, bind it to 0.0.0.0, or ask for the port it listens on.
See:
    https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import is_here, trouble
from kubectl_refused.trace.proofs import packet


@cause("KR731", scope=Scope.ADDRESS, reads={HANDSHAKE}, shows=Symptom.RST, since="0.4")
def closed_on_other_host(scene: Scene) -> Iterator[Finding]:
    """Yield when another machine answers RST; likely only, as rules may send one too."""
    failed = trouble(scene)
    if failed is None or failed.outcome is not Outcome.REFUSED or is_here(failed):
        return
    yield Finding(
        where=f"port {failed.port} of {failed.host}",
        says=f"{failed.host} is reached and answers RST: no socket there takes it, or only one on its loopback",
        headline=f"closed: nothing on {failed.host} takes port {failed.port}",
        certainty=Certainty.LIKELY,
        evidence=(packet(scene, failed),),
        fix=Fix(
            summary=f"See what listens on {failed.host}, by kubectl refused listen there;"
            " start the server, or bind it to 0.0.0.0"
        ),
    )
