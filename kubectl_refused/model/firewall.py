"""Rules of a packet filter in one form, whichever tool wrote them (nftables(8), iptables-extensions(8))."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from .gaps import Gap


class Field(StrEnum):
    """What a test looks at. UNKNOWN is anything that is not evaluated here."""

    PROTOCOL = "protocol"
    PORT = "port"
    FROM_PORT = "source port"
    SOURCE = "source"
    DESTINATION = "destination"
    INTERFACE_IN = "interface in"
    INTERFACE_OUT = "interface out"
    STATE = "state"
    FAMILY = "family"
    STATUS = "status"  # of the connection: dnat, snat
    TYPE = "type of the destination"
    UNKNOWN = "unknown"


class Test(Struct, frozen=True):
    """One condition of a rule: the field is one of `values`, or with `negated` none of them.

    Values are text: `8080`, `8000-8999`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `lo`, `eth*`, `new`, `tcp`, `IPv6`.
    """

    field: Field
    values: tuple[str, ...] = ()
    negated: bool = False


class Action(StrEnum):
    """What a rule does with a packet that meets its tests; NONE leaves it to the next rule."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"
    NONE = "none"
    UNKNOWN = "unknown"


class Rule(Struct, frozen=True):
    """One rule: `text` as its tool shows it, `target` the chain it jumps to, `answer` what a reject sends.

    `number` is how its tool names it: a handle of nftables, a position of iptables.
    """

    text: str
    action: Action = Action.NONE
    tests: tuple[Test, ...] = ()
    target: str = ""
    answer: str = ""
    number: int = 0
    comment: str = ""


class Chain(Struct, frozen=True):
    """A chain; `hook` is empty where it is only jumped to, `family` ip, ip6 or inet; low `priority` is first."""

    tool: str
    family: str
    table: str
    name: str
    hook: str = ""
    priority: int = 0
    policy: Action = Action.ACCEPT
    rules: tuple[Rule, ...] = ()

    @property
    def called(self) -> str:
        """`inet filter input`, as nft names it, or `filter INPUT` for iptables."""
        return f"{self.family} {self.table} {self.name}" if self.tool == "nft" else f"{self.table} {self.name}"


class Redirect(Struct, frozen=True):
    """A rule that sends connections on to another address and port (DNAT): `port` is what was dialled."""

    port: int
    to: str
    to_port: int


class Firewall(Struct, frozen=True):
    """Every chain of this network namespace that could be read, and what could not."""

    chains: tuple[Chain, ...] = ()
    witness: str = "nft, iptables"
    gaps: tuple[Gap, ...] = ()
    redirects: tuple[Redirect, ...] = ()  # those of iptables
