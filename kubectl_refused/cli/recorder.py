"""Watch a namespace, or all of them, while a command runs, and keep what happens there.

Each kind has a thread: it lists, then watches; a watch that ends or breaks off begins anew with a list, which also
tells what is gone meanwhile. What may not be read or watched is a Gap, and everything else goes on without it.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

from kubectl_refused.connection.errors import Cancelled, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.connection.logs import read_log
from kubectl_refused.connection.watch import watch
from kubectl_refused.judge.refusals import LastWords
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import EndpointSlice, Event, KubernetesObject, Pod, Service
from kubectl_refused.probes.container_log import shown_lines
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import gap_of
from kubectl_refused.sources.scan import MOST_PAGES, listed
from kubectl_refused.trace.history import History, Step
from kubectl_refused.trace.log_reasons import address_in_use, telling_line
from kubectl_refused.trace.statuses import seconds

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

WINDOW = 240.0  # seconds of one watch
AGAIN = 1.0  # seconds before a watch that broke off begins anew
FIRST_LOOK = 10.0  # seconds for the lists before the command begins; a larger cluster goes on beside it
LAST_NEWS = 1.0  # seconds after the command for what the cluster tells late
SKEW = 2.0  # seconds that clocks may differ
MOST_LOGS = 20
LINES = 50
KINDS: tuple[tuple[str, str, str, type[Any]], ...] = (
    ("Services", "services", "", Service),
    ("EndpointSlices", "endpointslices", "discovery.k8s.io/v1", EndpointSlice),
    ("Pods", "pods", "", Pod),
    ("Events", "events", "", Event),
)


class Recorder:
    """What happens in `namespace`, empty for all. `logs` is whether logs may be read of what exits."""

    def __init__(self, connection: Connection, namespace: str, *, logs: bool) -> None:
        self.history = History()
        self.logs: dict[tuple[str, str, str], LastWords] = {}
        self._gaps: dict[str, Gap] = {}
        self._connection, self._namespace, self._may_log = connection, namespace, logs
        self._lock = threading.Lock()
        self._began: float | None = None
        self._wall = time.time()
        self._looked = [threading.Event() for _ in KINDS]
        self._looking: dict[str, bool] = {}
        self._asked_logs: list[Step] = []

    def start(self) -> None:
        """Begin to watch, and wait for the first look at everything."""
        for kind, looked in zip(KINDS, self._looked, strict=True):
            threading.Thread(target=self._follow, args=(kind, looked), daemon=True, name="watch").start()
        end = time.monotonic() + FIRST_LOOK
        for looked in self._looked:
            looked.wait(max(end - time.monotonic(), 0.0))

    def begin(self) -> None:
        """The command begins now; what was seen before is how things stood."""
        self._began, self._wall = time.monotonic(), time.time()

    def now(self) -> float:
        """Seconds since the command began, negative before."""
        return -1.0 if self._began is None else time.monotonic() - self._began

    def stop(self) -> None:
        """End every watch; what was seen stays."""
        self._connection.cancel.set()
        with self._lock:
            self._may_log = False

    @property
    def gaps(self) -> list[Gap]:
        """What could not be watched."""
        return [self._gaps[what] for what, *_ in KINDS if what in self._gaps]

    def _follow(self, kind: tuple[str, str, str, type[Any]], looked: threading.Event) -> None:
        """List and watch one kind until the end. A gap is what it could not do at all."""
        try:
            while not self._connection.cancel.is_set:
                try:
                    self._look(kind, first=not looked.is_set())
                    looked.set()
                    self._watch(kind)
                except (Forbidden, NotFound) as problem:
                    self._gaps[kind[0]] = gap_of(problem, kind[0])
                    return
                except ConnectionProblem as problem:
                    # A watch that breaks off (410 Gone, a cache that lags) is made good by the next look.
                    if self._looking[kind[0]]:
                        self._gaps[kind[0]] = gap_of(problem, kind[0])
                looked.set()
                self._connection.cancel.wait(AGAIN)
        except Cancelled:
            return
        finally:
            looked.set()

    def _look(self, kind: tuple[str, str, str, type[Any]], *, first: bool) -> None:
        """Read the list, and take what is no longer in it as gone. Raises what a refused read does.

        The first tells how things stood, also where it takes longer than the command waits for it.
        """
        what, resource, group, type_ = kind
        self._looking[what] = True
        path = listed(resource, group, self._namespace)
        left = self.history.names(type_.__name__)
        pages = self._connection.list_items(path)
        for page in itertools.islice(pages, 1 if type_ is Event else MOST_PAGES):
            for raw in page:
                if (value := _decoded(raw, type_)) is not None:
                    left.discard((value.metadata.namespace, value.metadata.name))
                    self._take(value, -1.0 if first else self.now())
        self._gaps.pop(what, None)
        self._looking[what] = False
        for namespace, name in left:
            with self._lock:
                self.history.remove(type_.__name__, namespace, name, self.now())

    def _watch(self, kind: tuple[str, str, str, type[Any]]) -> None:
        """Take what a watch tells until it ends."""
        _, resource, group, type_ = kind
        for change, raw in watch(self._connection, listed(resource, group, self._namespace), (), WINDOW):
            value = _decoded(raw, type_)
            if value is not None and change == "DELETED":
                with self._lock:
                    meta = value.metadata
                    self.history.remove(type_.__name__, meta.namespace, meta.name, self.now())
            elif value is not None:
                self._take(value, self.now())

    def _take(self, value: KubernetesObject, at: float) -> None:
        if isinstance(value, Event) and (_told_at(value) or 0.0) < self._wall - SKEW:
            return
        with self._lock:
            news = self.history.take(value, at)
        for step in news:
            if step.kind == "exit" and self._may_log and len(self._asked_logs) < MOST_LOGS:
                self._asked_logs.append(step)
                threading.Thread(target=self._read_log, args=(step,), daemon=True, name="log").start()

    def _read_log(self, step: Step) -> None:
        """What a container said before it ended, read at once: the next restart takes its log away."""
        pod = step.what.removeprefix("pod/")
        # Started anew between two questions, its log was not the previous one yet, and is not the present one.
        key = (step.namespace, pod, step.container)
        told = False
        for previous in (True, False, True):
            try:
                text = read_log(self._connection, step.namespace, pod, step.container, previous, LINES)
            except (ConnectionProblem, Cancelled):
                continue
            lines = shown_lines(text)
            failure = address_in_use(lines)
            said = failure.line if failure else telling_line(lines)
            if said:
                told = True
                self.logs[key] = LastWords(said, failure is not None)
            if failure or (told and not previous):
                return


def _decoded(raw: Any, type_: type[Any]) -> Any:
    """The object, or None for one that does not read as one."""
    try:
        return decode(raw, type_)
    except OddObject:
        return None


def _told_at(event: Event) -> float | None:
    return seconds(event.last_timestamp or event.event_time or event.metadata.creation_timestamp)
