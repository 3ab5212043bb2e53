"""The app itself turns clients away by their address.

Why it refuses:
    TCP connects, then the server says so and hangs up: protected mode, or a list of hosts. Redis without a
    password serves localhost only (protected-mode, -DENIED); MySQL and MariaDB look the client's address up among
    the hosts of their users (error 1130) and shut out a host that broke off too many handshakes (1129). Inside the
    pod all is well, since port-forward and exec come from localhost. Only the server's own first words tell.
    Postgres says it (no pg_hba.conf entry) only to a client that logs in, and judges user and database as well:
    with --guess-protocol one without TLS is asked to let in the user postgres, and no password is ever sent.
Confirm:
    kubectl exec CLIENT -- nc -w 2 SERVICE PORT    # -DENIED …, or Host '…' is not allowed to connect
Fix:
    Give Redis a password (requirepass) or a user; give the MySQL user the host '%' or the network of the pods; add
    such a line to pg_hba.conf.
See:
    https://redis.io/docs/latest/operate/oss_and_stack/management/security/#protected-mode
    https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
    https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.change import named, workload_of
from kubectl_refused.model.evidence import Certainty, Finding, Fix, WitnessEvidence
from kubectl_refused.model.facts import HANDSHAKE, WORKLOAD
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import mask, one_line


class _Denial(Struct, frozen=True):
    """A server's words, what they mean, and what lets clients in; `all_alike`: all but localhost.

    `hint`: another user might have been let in.
    """

    speaks: str
    words: re.Pattern[str]
    means: str
    remedy: str
    all_alike: bool = False
    hint: bool = False


# redis networking.c, clientAcceptHandler; mysqld_error.txt ER_HOST_NOT_PRIVILEGED, ER_HOST_IS_BLOCKED;
# postgres auth.c, ClientAuthentication.
_DENIALS = (
    _Denial(
        "redis",
        lazily(r"-DENIED\b.{0,40}protected mode", re.IGNORECASE),
        "Redis is in protected mode: it serves localhost only",
        "Set a password (requirepass) and give it to the clients, or set protected-mode no behind a NetworkPolicy",
        all_alike=True,
    ),
    _Denial(
        "mysql",
        lazily(r"\berror 1130\b|is not allowed to connect", re.IGNORECASE),
        "none of its users may come from this client's address",
        "Create the clients' user for the host '%' or for the network of the pods (CREATE USER 'app'@'%')",
    ),
    _Denial(
        "mysql",
        lazily(r"\berror 1129\b|is blocked because of many connection errors", re.IGNORECASE),
        "it has shut out this client's address for broken handshakes",
        "Unblock the address (FLUSH HOSTS), and let health checks speak MySQL or raise max_connect_errors",
    ),
    _Denial(
        "postgres",
        lazily(r"\bno pg_hba\.conf entry for host\b", re.IGNORECASE),
        "its pg_hba.conf has no line for this client's address, as the user postgres without TLS",
        "Add a line for the network of the pods to pg_hba.conf (host all all NETWORK scram-sha-256) and reload it",
        hint=True,
    ),
)


@cause(
    "KR419",
    scope=Scope.ROUTE,
    reads={HANDSHAKE, WORKLOAD},
    produces=Symptom.RESET,
    since="0.2",
    needs_symptom=True,
)
def app_denies_client_address(scene: Scene) -> Iterator[Finding]:
    """Yield when a server's first words turn the client away; said to a probe, they are a hint for others."""
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        heard = view.dialled if scene.handshake(view.endpoint_dial) else None
        denial = _denial(heard) if heard else None
        if heard and denial and endpoint.pod:
            yield _finding(view, endpoint.pod, heard, denial)


def _denial(heard: Handshake) -> _Denial | None:
    return next((d for d in _DENIALS if heard.speaks == d.speaks and d.words.search(heard.detail)), None)


def _finding(scene: Scene, pod: Pod, heard: Handshake, denial: _Denial) -> Finding:
    kind, metadata, _ = workload_of(scene, pod)
    said = one_line(mask(heard.detail.removeprefix("said ")), 160)
    own = denial.all_alike or (scene.vantage.kind in ("client", "stand-in") and not denial.hint)
    return Finding(
        where=f"port {heard.port} of pod/{pod.metadata.name}",
        says=denial.means,
        headline=f"the app turns clients away by their address: {denial.means}",
        certainty=Certainty.PROVED if own else Certainty.LIKELY,
        evidence=(
            WitnessEvidence(
                witness=heard.witness,
                subject=f"pod/{pod.metadata.name}",
                says=f"port {heard.port} accepted {scene.vantage.who} and said: {said}",
            ),
        ),
        fix=Fix(
            summary=f"{denial.remedy} ({named(kind, metadata.name)})",
            owner=named(kind, metadata.name),
        ),
    )
