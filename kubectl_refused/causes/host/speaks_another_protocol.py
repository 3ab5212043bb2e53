"""The server speaks another protocol than the URL says.

Why it refuses:
    The connection is accepted, and then nobody understands the other: plain HTTP sent to a TLS port ends in
    an error or a closed connection, TLS sent to a plain port in "wrong version number". What is spoken was
    heard from its first bytes, which --guess-protocol asks for.
Confirm:
    openssl s_client -connect HOST:PORT; curl -v http://HOST:PORT/
Fix:
    Use the scheme that the server speaks, or ask for the port that speaks the one you mean.
See:
    https://curl.se/docs/faq.html
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, cause
from kubectl_refused.model.evidence import Finding, Fix
from kubectl_refused.model.facts import HANDSHAKE
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.hosts import reached
from kubectl_refused.trace.proofs import packet

# What a server of each scheme is heard to speak; schemes that are not here are not judged.
_SPOKEN = {
    **dict.fromkeys(("http", "ws"), "http"),
    **dict.fromkeys(("https", "wss", "ldaps", "rediss", "amqps", "mqtts"), "tls"),
    **{name: name for name in ("ssh", "redis", "ftp", "smtp", "amqp", "nats", "mysql")},
    "mariadb": "mysql",
    "postgres": "postgresql",
    "postgresql": "postgresql",
}
_INSTEAD = {"tls": "https", "http": "http"}


@cause("KR730", scope=Scope.ADDRESS, reads={HANDSHAKE}, since="0.4")
def speaks_another_protocol(scene: Scene) -> Iterator[Finding]:
    """Yield when the first bytes are of another protocol than the scheme's."""
    wanted = _SPOKEN.get(scene.target.scheme, "")
    seen = [known for dial in scene.ways if (known := scene.maybe(HANDSHAKE, dial))]
    heard = next((one for one in seen if one.outcome is Outcome.ACCEPTED and one.speaks), None)
    if heard is None or not wanted or heard.speaks == wanted:
        return
    instead = _INSTEAD.get(heard.speaks, heard.speaks)
    yield Finding(
        where=f"port {heard.port} of {heard.host}",
        says=f"{scene.target.scheme} is asked, and {heard.speaks} is spoken",
        headline=f"it speaks {heard.speaks}, not {scene.target.scheme}",
        evidence=(packet(scene, heard),),
        fix=Fix(summary=f"Use {instead}://{reached(heard)}, or the port that speaks {scene.target.scheme}"),
    )
