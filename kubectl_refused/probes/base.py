"""What every probing method is: a Protocol, the rights it needs, and the context it works in.

A method learns facts (kubectl_refused.model.facts) for needs it is given. It never raises for what it
could not learn: it yields a Gap with one clause of reason. It only raises Cancelled, or a
ConnectionProblem that ends the whole diagnosis (no cluster, no credentials).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from msgspec import Struct, field

from kubectl_refused.connection.errors import Cancelled
from kubectl_refused.model.facts import Fact, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.clients import Client

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

Learnt = tuple[Need, Any]


class Right(NamedTuple):
    """One permission as a SelfSubjectAccessReview asks for it, in the target's namespace."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f"/{self.subresource}" if self.subresource else "")


class ProbeSettings(Struct, frozen=True):
    """What the command line says about probing. Times in seconds."""

    depth: Depth = Depth.PODS
    image: str = ""
    image_pull_secret: str = ""
    image_prefix: str = ""
    # How often each address is dialled; once, unless asked otherwise: MySQL locks out whom it counts too often.
    dials: int = 1
    # Whether to send a few bytes to find out what protocol is spoken.
    guess: bool = False
    dial_timeout: float = 4.0
    probe_pod_timeout: float = 60.0
    dial_any: bool = False
    # Most dials a second from each pod of a large scan. Connection tracking keeps each for two minutes after its
    # end (nf_conntrack_tcp_timeout_time_wait), in a table of 65,536 at the least on nodes of 4 GB.
    rate: int = 500


class Ledger:
    """What the run touched, written down before each create, and how to undo it. Thread-safe.

    `undo` is called once, latest entry first, with a connection of the clean-up's own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[tuple[str, str, Callable[[Connection], None] | None]] = []
        self._going: list[str] = []
        self._owners: dict[tuple[str, str], Hashable] = {}

    @contextmanager
    def going(self, what: str) -> Iterator[None]:
        """While `what` runs in somebody's container. Cancelled meanwhile, it goes on and ends by itself.

        Container runtimes do not end a command whose stream is closed; its input ends (seen with containerd 1.6).
        """
        with self._lock:
            self._going.append(what)
        try:
            yield
        except Cancelled:
            raise
        except BaseException:
            self._gone(what)
            raise
        self._gone(what)

    def _gone(self, what: str) -> None:
        with self._lock:
            self._going.remove(what)

    @property
    def still_going(self) -> tuple[str, ...]:
        """What was started in containers and had not ended when it was last heard of."""
        with self._lock:
            return tuple(dict.fromkeys(self._going))

    def record(self, what: str, undone: str, undo: Callable[[Connection], None] | None = None) -> None:
        """Note `what` (`job/refused-4f2a`) and how it goes away (`deleted`), before it is created."""
        with self._lock:
            if not any(entry[0] == what and entry[1] == undone for entry in self._entries):
                self._entries.append((what, undone, undo))

    def strike(self, what: str) -> None:
        """Take back a record: the create was refused, so `what` never was."""
        with self._lock:
            self._entries = [entry for entry in self._entries if entry[0] != what]

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """(what, undone) in the order recorded."""
        with self._lock:
            return tuple((what, undone) for what, undone, _ in self._entries)

    def entries_of(self, owner: Hashable) -> tuple[tuple[str, str], ...]:
        """Those made for `owner`, who takes all that are nobody's yet: what serves several is told once."""
        entries = self.entries
        with self._lock:
            return tuple(entry for entry in entries if self._owners.setdefault(entry, owner) == owner)

    def take_undos(self) -> list[tuple[str, Callable[[Connection], None]]]:
        """The undo steps that remain, latest first; each is handed out once."""
        with self._lock:
            left = [(what, undo) for what, _, undo in reversed(self._entries) if undo]
            self._entries = [(what, undone, None) for what, undone, _ in self._entries]
            return left


class ProbeContext(Struct, frozen=True):
    """Everything a method may use. `say` takes the name of the running step for the spinner."""

    connection: Connection
    target: Target
    snapshot: Snapshot
    facts: FactStore
    settings: ProbeSettings
    ledger: Ledger
    run_id: str
    say: Callable[[str], None] = field(default=lambda step: None)
    clients: tuple[Client, ...] = (Client(),)

    def client_of(self, need: Need) -> Client:
        """The client that a need is asked from: that of its subject's `at`, the first where it has none."""
        key = getattr(need.subject, "at", "")
        return next((c for c in self.clients if c.key == key), self.clients[0])


class Method(Protocol):
    """One way to learn facts. Lower `order` is less intrusive or a better witness, and is tried first.

    `depth` is the level from which it may be used; `rights` are checked before its first use. A method that
    serves some clients only has `takes(need, context) -> bool` as well: what it does not take goes to the next.
    One that touches or runs something has `proves`, a clause for the report where rights are missing, which are
    then asked for beforehand (rights.py); `ways` are sets of rights of which one suffices; `acts_in_target` tells
    that its dials start in the target's namespace, whoever the client is. Where `keeps(need) -> bool` says so,
    no other method is to try what this one could not tell.
    """

    name: str
    order: int
    depth: Depth
    facts: frozenset[Fact[Any]]
    rights: tuple[Right, ...]

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[tuple[Need, Any | Gap]]:
        """Yield a value or a Gap for every need given; asked at most once for each need."""
        ...
