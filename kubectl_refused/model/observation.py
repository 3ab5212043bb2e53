"""What probes saw: values of facts. Times are in seconds, addresses are text without brackets."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from .gaps import Gap


class Outcome(StrEnum):
    """How a dial, a path or a whole diagnosis ended (causes of each: RFC 9293, RFC 792, RFC 4443)."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # RST
    REJECTED = "rejected"  # ICMP: somebody on the way said no
    TIMEOUT = "timeout"
    RESET = "reset"  # accepted, then closed or reset at once
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
    DENIED = "denied"  # EPERM or EACCES on this side
    MIXED = "mixed"
    UNTRIED = "untried"
    UNKNOWN = "unknown"


class Icmp(Struct, frozen=True):
    """The error queue's word (ip(7), IP_RECVERR): ICMP type and code, and who sent it.

    `ttl` is the hop limit that the ICMP packet had left when it arrived, None where the system does not tell.
    """

    type: int
    code: int
    offender: str
    ttl: int | None = None


# The agent's words (probe_agent.py) where --guess-protocol was asked for.
SAID_NOTHING = "said nothing when asked"

FIRST_HAND = frozenset({"probe-pod", "client-exec", "here", "in-network", "in-container"})


class HttpAnswer(Struct, frozen=True):
    """What an HTTP server answered to GET /: its status, who says so, and the first words of the page, cleaned.

    `server` is the header of that name, `error` l5d-proxy-error, in which Linkerd tells of itself.
    `source` is the address and port from which the request came, where that is known.
    """

    status: int
    server: str = ""
    said: str = ""
    error: str = ""
    source: str = ""


class Handshake(Struct, frozen=True):
    """One address dialled. `witness` is probe-pod, client-exec, here, pod-proxy, service-proxy or port-forward.

    `tries` counts dials of one question: a timeout is only believed after a lone second dial. Where the same
    question was asked several times, `heard` has how often each outcome came and `outcome` is the worst of
    them. `rst_ttl` is the TTL with which an RST arrived, one less behind every router, where that was measured.
    `speaks` is the protocol that the first bytes tell (http, tls, ssh, …), empty where nobody knows; `http` is the
    answer to a GET, where one was sent.
    """

    host: str
    port: int
    outcome: Outcome
    seconds: float
    witness: str
    source: str = ""
    errno: str = ""
    icmp: Icmp | None = None
    tries: int = 1
    detail: str = ""
    heard: tuple[tuple[Outcome, int], ...] = ()
    speaks: str = ""
    rst_ttl: int | None = None
    http: HttpAnswer | None = None

    @property
    def first_hand(self) -> bool:
        """Whether a program dialled that tells an RST from an ICMP error, unlike the API server's proxies."""
        return self.witness in FIRST_HAND


class Bulk(Struct, frozen=True):
    """One answer of more than one segment, asked for by dials as usual and by others that announce a small MSS.

    `ordinary` and `small` have the bytes that arrived at each, in turn, until the answer ended or fell silent;
    `whole` and `small_whole` tell whether the last of each came to its end. `small` is empty where the first was
    whole. `late` counts pieces that arrived out of their order: one before them is missing (TCP_INFO).
    """

    host: str
    port: int
    witness: str
    ordinary: tuple[int, ...]
    whole: bool
    small: tuple[int, ...] = ()
    small_whole: bool = False
    segment: int = 0
    late: int = 0

    @property
    def only_small(self) -> bool:
        """Whether twice, by turns, the ordinary dial fell silent and the one with small segments did not."""
        by_turns = len(self.ordinary) == len(self.small) == 2 and min(self.small) > max(self.ordinary)
        return by_turns and self.small_whole and not self.whole


class NodeSettings(Struct, frozen=True):
    """What a network namespace's kernel is set to do with packets (ip-sysctl, nf_conntrack-sysctl), None unread.

    `bridged` is bridge-nf-call-iptables, `liberal` nf_conntrack_tcp_be_liberal, `tracked` and `most` are the
    entries of its connection tracking and how many there may be. `dropped` and `invalid` count packets since the
    start: those the table had no room for, and those it could not place (/proc/net/stat/nf_conntrack).
    """

    witness: str
    forwards: bool | None = None
    forwards_v6: bool | None = None
    bridged: bool | None = None
    liberal: bool | None = None
    tracked: int | None = None
    most: int | None = None
    dropped: int | None = None
    invalid: int | None = None


class Search(Struct, frozen=True):
    """Ports dialled at localhost inside one pod by port-forward, the likeliest first, and those that accepted.

    A port of which nothing could be learnt is in neither.
    """

    tried: tuple[int, ...]
    accepted: tuple[int, ...] = ()


class Holder(Struct, frozen=True):
    """Whom an address belongs to. `kind` is Pod, Node, Service, or empty: nobody of this cluster."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


class Lookup(Struct, frozen=True):
    """One name resolved by the client's own resolver: addresses, or the resolver's error."""

    name: str
    addresses: tuple[str, ...]
    seconds: float
    witness: str
    error: str = ""


class Socket(Struct, frozen=True):
    """A listening TCP socket of a network namespace (proc_net_tcp of the kernel's documentation).

    `waiting` counts the connections that nobody accepted in a whole second; None where nobody looked twice.
    """

    address: str
    port: int
    inode: int = 0
    uid: int = 0
    pid: int | None = None
    process: str = ""
    v6only: bool | None = None
    waiting: int | None = None

    @property
    def shown(self) -> str:
        """`127.0.0.1:8080`, with brackets round an IPv6 address."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def owner(self) -> str:
        """`httpd (pid 1)`, or empty when the process could not be seen."""
        return f"{self.process} (pid {self.pid})" if self.process else ""


class Listeners(Struct, frozen=True):
    """Every listening TCP socket of a pod's network namespace, and who read them.

    `unix` has the addresses of its listening UNIX sockets, `unread` a local port for each accepted connection
    whose bytes nobody read in a whole second, `overflows` how many connections it ever turned away because an
    accept queue was full (TcpExt ListenOverflows; None where it was not read), `udp` its UDP sockets that take
    datagrams of anybody.
    """

    sockets: tuple[Socket, ...]
    witness: str
    unix: tuple[str, ...] = ()
    unread: tuple[int, ...] = ()
    overflows: int | None = None
    udp: tuple[Socket, ...] = ()


class Peer(Struct, frozen=True):
    """The far end of connections of a network namespace: `waiting` were begun and not answered yet (SYN_SENT)."""

    address: str
    port: int
    open: int = 0
    waiting: int = 0


class Connections(Struct, frozen=True):
    """Outgoing and other connections of a pod's network namespace, and who read them.

    `count` is of all that hold a local port, `ports` the range from which the kernel takes them
    (ip_local_port_range). `linked` are the addresses that Services had when the container started: variables
    NAME_SERVICE_HOST, by Service link (kubernetes pkg/kubelet/envvars).
    """

    peers: tuple[Peer, ...]
    witness: str
    count: int = 0
    ports: tuple[int, int] | None = None
    linked: tuple[tuple[str, str], ...] = ()


class Log(Struct, frozen=True):
    """The last lines of a container's log, oldest first, control sequences removed, secrets masked."""

    lines: tuple[str, ...]
    previous: bool = False


class DryRun(Struct, frozen=True):
    """A patch sent to the API server with dryRun=All."""

    accepted: bool
    message: str = ""


class SeenPolicy(Struct, frozen=True):
    """A policy of a kind that nobody here evaluates; `namespace` is empty where it holds for the whole cluster."""

    kind: str
    name: str
    namespace: str = ""


class SecretSeen(Struct, frozen=True):
    """What `kubectl get secret` shows of one: its type, empty where it is not there."""

    type: str = ""


class OtherPolicies(Struct, frozen=True):
    """Policies beside NetworkPolicies that may judge a namespace's pods, and the kinds that could not be read."""

    seen: tuple[SeenPolicy, ...] = ()
    unread: tuple[Gap, ...] = ()
