"""The cluster's own network: an outer namespace with a bridge, a namespace per node, one link to the host.

Nothing on the machine's network changes but that one link, several clusters can use the
same addresses, and no packet can leave: the outer namespace has no way out, its default
route is a black hole, as a cloud's is for addresses that nobody owns.
"""

from __future__ import annotations

from pathlib import Path

from tests.cluster import debian
from tests.cluster.errors import ClusterError
from tests.cluster.options import (
    BRIDGE_ADDRESS,
    BRIDGE_ADDRESS_V6,
    CLUSTERS_AT_MOST,
    Layout,
    node_address,
    node_address_v6,
    node_gateway,
    node_gateway_v6,
    node_pod_range,
    node_pod_range_v6,
)
from tests.cluster.shell import run

NETNS_DIRECTORY = Path("/run/netns")
BRIDGE = "kr0"
# New namespaces copy the machine's rp_filter, and its strict mode drops what kube-proxy rewrites.
SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    # No address waits a second or two to learn that nobody else has it.
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/default/send_redirects": "0",
}


def ip(*words: str, check: bool = True) -> str:
    """Run `ip` and return its output."""
    return run(["ip", *words], environment=debian.environment(), check=check).stdout


def batch(lines: list[str], *, namespace: str = "") -> None:
    """Run many `ip` commands in one process, in a node's namespace if one is named."""
    where = ["-n", namespace] if namespace else []
    given = "\n".join(lines) + "\n"
    run(["ip", *where, "-batch", "-"], environment=debian.environment(), given=given)


def free_index(taken: set[int]) -> int:
    """The lowest number of a /30 that neither a cluster nor anything else on the machine uses."""
    used = ip("-4", "route", "show", "table", "all") + ip("-4", "address", "show")
    for index in range(CLUSTERS_AT_MOST):
        addresses = [f"10.203.0.{4 * index + offset}" for offset in range(4)]
        if index not in taken and not any(f"{address}/" in used or f"{address} " in used for address in addresses):
            return index
    raise ClusterError(f"{CLUSTERS_AT_MOST} clusters are up already; take one down first")


def join_to_host(layout: Layout, pid: int) -> None:
    """The one link between the host and the cluster whose supervisor has this pid; run on the host."""
    link = layout.host_link
    unjoin_from_host(layout)
    ip("link", "add", link, "type", "veth", "peer", "name", "host0", "netns", str(pid))
    batch(
        [
            # Without an address the link sends no IPv6 chatter.
            f"link set {link} addrgenmode none",
            f"address add {layout.host_address}/30 dev {link}",
            f"link set {link} up",
        ]
    )


def unjoin_from_host(layout: Layout) -> None:
    """Remove that link if it is there."""
    if Path("/sys/class/net", layout.host_link).exists():
        ip("link", "delete", layout.host_link, check=False)


def outer_lines(layout: Layout) -> list[str]:
    """What makes the outer namespace: a bridge, the link's far end, a route to each node's pods."""
    lines = [
        "link set lo up",
        f"address add {layout.outer_address}/30 dev host0",
        "link set host0 up",
        f"link add {BRIDGE} type bridge",
        f"address add {BRIDGE_ADDRESS}/24 dev {BRIDGE}",
        f"link set {BRIDGE} up",
        "route add blackhole default metric 4096",
    ]
    for number, name in enumerate(layout.node_names, start=1):
        lines += [
            f"netns add {name}",
            f"link add {name} type veth peer name eth0 netns {name}",
            f"link set {name} master {BRIDGE} up",
            f"route add {node_pod_range(number)} via {node_address(number)}",
        ]
    return lines


def outer_lines_v6(layout: Layout) -> list[str]:
    """The same bridge in IPv6; the host has no part in it."""
    lines = [
        f"address add {BRIDGE_ADDRESS_V6}/64 dev {BRIDGE} nodad",
        "route add blackhole ::/0 metric 4096",
    ]
    for number in range(1, layout.options.nodes + 1):
        lines.append(f"route add {node_pod_range_v6(number)} via {node_address_v6(number)}")
    return lines


def node_lines(layout: Layout, number: int) -> list[str]:
    """What makes a node's namespace.

    The pods hang on links of their own (the `ptp` plugin, as kind has it), which needs no
    br_netfilter module for traffic within a node. The empty bridge `cni0` makes the address
    of a pod that is gone behave as on a bridged cluster: neighbour discovery fails and
    after three seconds the node answers ICMP host unreachable.
    """
    gateway = node_gateway(number)
    lines = [
        "link set lo up",
        f"address add {node_address(number)}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {BRIDGE_ADDRESS}",
        "link add cni0 type bridge",
        # A bridge without a port that is up has no carrier, and nothing is ever asked on it.
        "link add cni-port type veth peer name cni-port-end",
        "link set cni-port-end up",
        "link set cni-port master cni0 up",
        f"address add {gateway}/24 dev cni0",
        "link set cni0 up",
    ]
    for other in range(1, layout.options.nodes + 1):
        if other != number:
            lines.append(f"route add {node_pod_range(other)} via {node_address(other)}")
    return lines


def node_lines_v6(layout: Layout, number: int) -> list[str]:
    """The same node in IPv6."""
    lines = [
        f"address add {node_address_v6(number)}/64 dev eth0 nodad",
        f"route add ::/0 via {BRIDGE_ADDRESS_V6}",
        f"address add {node_gateway_v6(number)}/64 dev cni0 nodad",
    ]
    for other in range(1, layout.options.nodes + 1):
        if other != number:
            lines.append(f"route add {node_pod_range_v6(other)} via {node_address_v6(other)}")
    return lines


def build(layout: Layout) -> None:
    """Make everything; run by the supervisor in the outer namespace, after the link's far end is there."""
    NETNS_DIRECTORY.mkdir(parents=True, exist_ok=True)
    settings()
    dual = layout.options.dual_stack
    batch(outer_lines(layout) + (outer_lines_v6(layout) if dual else []))
    for number, name in enumerate(layout.node_names, start=1):
        lines = node_lines(layout, number) + (node_lines_v6(layout, number) if dual else [])
        batch(lines, namespace=name)


def settings() -> None:
    """Write this namespace's network settings; they end with it."""
    for name, value in SETTINGS.items():
        path = Path("/proc/sys", name)
        if path.exists():
            path.write_text(value)
