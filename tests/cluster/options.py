"""What a cluster is asked to be, and where its state lies."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cache import clusters_root
from tests.cluster.errors import ClusterError

# Seven characters or more of a name still leave room in a network interface's fifteen.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
PROXY_MODES = ("nftables", "iptables")
POLICY_STYLES = ("drop", "reject", "reset", "prohibit")
FAMILIES = ("IPv4", "IPv6")
NODES_AT_MOST = 8
CLUSTERS_AT_MOST = 64


@dataclass(frozen=True)
class ClusterOptions:
    """A cluster's name and shape. `policy_style` is what the enforcer answers a denied packet.

    `ip_families` is ("IPv4",) or ("IPv4", "IPv6"): IPv4 comes first, as the link to the host speaks it. Both cost
    no more (12.0 against 12.3 s of processor time until ready, the same memory), yet are not the default: of a pod
    with two addresses some witnesses prove less, and most clusters have one family.
    """

    name: str = "kr"
    nodes: int = 2
    proxy_mode: str = "nftables"
    policy_style: str = "drop"
    ip_families: tuple[str, ...] = ("IPv4",)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ClusterError(f"cluster name {self.name!r}: want lower-case letters, digits and hyphens")
        if not 1 <= self.nodes <= NODES_AT_MOST:
            raise ClusterError(f"{self.nodes} nodes: want 1 to {NODES_AT_MOST}")
        if self.proxy_mode not in PROXY_MODES:
            raise ClusterError(f"proxy mode {self.proxy_mode!r}: want one of {', '.join(PROXY_MODES)}")
        if self.policy_style not in POLICY_STYLES:
            raise ClusterError(f"policy style {self.policy_style!r}: want one of {', '.join(POLICY_STYLES)}")
        if self.ip_families not in (FAMILIES[:1], FAMILIES):
            raise ClusterError(f"IP families {self.ip_families}: want {FAMILIES[:1]} or {FAMILIES}")

    @property
    def dual_stack(self) -> bool:
        """Whether pods, Services and nodes have IPv6 addresses beside their IPv4 ones."""
        return "IPv6" in self.ip_families

    def serves(self, wanted: ClusterOptions) -> bool:
        """Whether a cluster of these options is what `wanted` asks for: an address family more does no harm."""
        enough = set(wanted.ip_families) <= set(self.ip_families)
        return enough and dataclasses.replace(self, ip_families=wanted.ip_families) == wanted


@dataclass(frozen=True)
class Layout:
    """The files of one cluster under its state directory, and its addresses."""

    options: ClusterOptions
    state: Path
    index: int

    @property
    def node_names(self) -> tuple[str, ...]:
        return tuple(f"node{number}" for number in range(1, self.options.nodes + 1))

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def certificates(self) -> Path:
        return self.state / "certificates"

    @property
    def marks(self) -> Path:
        """Empty files that say a step is done: `apiserver`, `images-node1`, `ready`, `failed`."""
        return self.state / "marks"

    @property
    def host_link(self) -> str:
        return f"krhost{self.index}"

    @property
    def host_address(self) -> str:
        return f"10.203.0.{4 * self.index + 1}"

    @property
    def outer_address(self) -> str:
        return f"10.203.0.{4 * self.index + 2}"

    @property
    def cgroup(self) -> str:
        return f"/kubectl-refused/{self.options.name}"

    def kubeconfig(self, who: str) -> Path:
        return self.state / "kubeconfigs" / f"{who}.yaml"

    def save(self) -> None:
        """Write the options and the index to the state directory."""
        self.state.mkdir(parents=True, exist_ok=True)
        data = {"options": dataclasses.asdict(self.options), "index": self.index}
        (self.state / "cluster.json").write_text(json.dumps(data))


def state_of(name: str) -> Path:
    """The state directory of the cluster of that name."""
    return clusters_root() / name


def load_layout(state: Path) -> Layout | None:
    """The layout that `save` wrote there, or None if there is none that can be read."""
    try:
        data = json.loads((state / "cluster.json").read_text())
        families = tuple(data["options"].pop("ip_families", FAMILIES[:1]))
        return Layout(ClusterOptions(**data["options"], ip_families=families), state, data["index"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


BRIDGE_ADDRESS = "10.201.0.1"
POD_RANGE = "10.202.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
# Unique local addresses (RFC 4193): they exist in the cluster's own namespaces only.
PREFIX_V6 = "fd4b:7265:6675"
BRIDGE_ADDRESS_V6 = f"{PREFIX_V6}:201::1"
POD_RANGE_V6 = f"{PREFIX_V6}:2020::/60"
# At most twenty bits of host part: the API server refuses a larger IPv6 range.
SERVICE_RANGE_V6 = f"{PREFIX_V6}:96::/112"
API_PORT = 6443


def node_address(number: int) -> str:
    """The address of node `number`, counted from 1."""
    return f"10.201.0.{10 + number}"


def node_pod_range(number: int) -> str:
    """The pods of node `number`."""
    return f"10.202.{number}.0/24"


def node_gateway(number: int) -> str:
    """The node's own address towards its pods: what an ICMP refusal of its kube-proxy comes from."""
    return f"10.202.{number}.1"


def node_address_v6(number: int) -> str:
    """The IPv6 address of node `number`, for dual stack."""
    return f"{PREFIX_V6}:201::{10 + number}"


def node_pod_range_v6(number: int) -> str:
    """The IPv6 addresses of the pods of node `number`."""
    return f"{PREFIX_V6}:202{number}::/64"


def node_gateway_v6(number: int) -> str:
    """What `node_gateway` is, for IPv6."""
    return f"{PREFIX_V6}:202{number}::1"


def both(options: ClusterOptions, first: str, second: str) -> str:
    """A program's argument: the IPv4 value alone, or on a dual-stack cluster both with a comma between."""
    return f"{first},{second}" if options.dual_stack else first
