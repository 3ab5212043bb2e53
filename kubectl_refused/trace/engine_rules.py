"""What the packet filter of an engine's machine does with connections to its containers. Pure."""

from __future__ import annotations

from kubectl_refused.model.containers import EngineContainer, EngineNetwork
from kubectl_refused.model.firewall import Firewall, Redirect
from kubectl_refused.model.scene import Scene

from .firewalls import OUTSIDE, Packet, Stop, stops

USERS_OWN = "DOCKER-USER"  # the chain that Docker leaves to its users, before its own rules
_BRIDGE = "com.docker.network.bridge.name"
# Tables of engines that publish by nftables itself, whose maps are not evaluated here.
_OTHER_WAYS = ("docker-bridges", "netavark")


def bridge_of(network: EngineNetwork) -> str:
    """The interface of a bridge network: as its option names it, else br- and the start of its id."""
    return (network.options or {}).get(_BRIDGE) or f"br-{network.id[:12]}"


def redirect_to(rules: Firewall, container: EngineContainer, port: int) -> Redirect | None:
    """The rule that sends connections of the host's port on to the container."""
    attached = (container.network_settings.networks or {}).values()
    own = {address for one in attached for address in (one.ip_address, one.global_ipv6_address) if address}
    return next((one for one in rules.redirects if one.to in own and one.to_port == port), None)


def tells_redirects(rules: Firewall) -> bool:
    """Whether the engine's rules would be seen if they were there."""
    return "iptables-save" in rules.witness and not any(c.table in _OTHER_WAYS for c in rules.chains)


def stopped_on_the_way_in(scene: Scene, rules: Firewall, container: EngineContainer) -> Stop | None:
    """The rule that keeps other machines from what a redirect sends to the container.

    A rule of the user's own chain that stops some of them counts as well; all others must stop everybody.
    """
    redirect = redirect_to(rules, container, scene.published.number) if scene.published else None
    if redirect is None:
        return None
    attached = container.network_settings.networks or {}
    name = next((n for n, one in attached.items() if redirect.to in (one.ip_address, one.global_ipv6_address)), "")
    network = next((one for one in scene.snapshot.networks() if one.name == name), None)
    packet = Packet(
        "", redirect.to, redirect.to_port, OUTSIDE, bridge_of(network) if network else "", "dnat", "unicast"
    )
    found = stops(rules, packet, "forward")
    return next((stop for stop in found if stop.certain or stop.chain.name == USERS_OWN), None)
