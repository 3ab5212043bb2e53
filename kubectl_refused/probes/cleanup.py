"""What runs of this tool left in the cluster: found by label, removed by name and UID."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Metadata
from kubectl_refused.probes.probe_pod_manifest import DEADLINE, MANAGED_BY, NAME, RUN, TIME_TO_LIVE

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

# Older than any live run's object can be: its deadline, its time to live and the controllers' delay.
OVERDUE = DEADLINE + TIME_TO_LIVE + 30  # seconds
KINDS = ("Job", "Pod")


class _Lasting(msgspec.Struct, rename="camel"):
    active_deadline_seconds: int | None = None


class _Labelled(msgspec.Struct):
    metadata: Metadata
    spec: _Lasting = msgspec.field(default_factory=_Lasting)


@dataclass(frozen=True)
class Leftover:
    """A Job, or a pod that no Job owns. `age` in seconds; `more` are those it may last beyond a single probe's."""

    kind: str
    namespace: str
    name: str
    uid: str
    run_id: str
    age: float
    more: float = 0.0

    @property
    def overdue(self) -> bool:
        """Whether it should be gone by now: no live run has one that old."""
        return self.age > OVERDUE + self.more

    @property
    def path(self) -> str:
        """Its API path."""
        return job_path(self.namespace, self.name) if self.kind == "Job" else pod_path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True)
class Survey:
    """`found` in the order of the server; `unseen` are the refusals of what may not be listed."""

    found: tuple[Leftover, ...]
    unseen: tuple[ConnectionProblem, ...] = ()


def survey(connection: Connection, namespace: str | None) -> Survey:
    """Look in a namespace (None: in all), as far as the rights go, by the API server's clock.

    Where all namespaces at once are forbidden, each is looked in by itself. Raises a ConnectionProblem when
    nothing at all may be listed.
    """
    now = server_time(connection)
    places: list[tuple[str, str | None]] = [(kind, namespace) for kind in KINDS]
    answers = [_look(connection, now, place) for place in places]
    forbidden = [kind for kind, answer in zip(KINDS, answers, strict=True) if isinstance(answer, Forbidden)]
    if forbidden and namespace is None:
        names = _namespaces(connection)
        if names is not None:
            answers = [answer for answer in answers if not isinstance(answer, Forbidden)]
            answers += _look_into_each(connection, now, [(kind, name) for name in names for kind in forbidden])
    unseen = tuple(answer for answer in answers if isinstance(answer, ConnectionProblem))
    if unseen and len(unseen) == len(answers):
        raise unseen[0]
    found = {old.path: old for answer in answers if isinstance(answer, list) for old in answer}
    return Survey(tuple(found.values()), unseen)


def _look_into_each(
    connection: Connection, now: datetime.datetime, places: list[tuple[str, str | None]]
) -> list[list[Leftover] | ConnectionProblem]:
    from kubectl_refused.sources.reads import each

    return each(partial(_look, connection, now), places)


def _look(
    connection: Connection, now: datetime.datetime, place: tuple[str, str | None]
) -> list[Leftover] | ConnectionProblem:
    kind, namespace = place
    try:
        return leftovers(connection, namespace, kinds=(kind,), now=now)
    except (Forbidden, NotFound, ApiProblem) as problem:
        return problem


def _namespaces(connection: Connection) -> list[str] | None:
    """The names of all namespaces, None where they may not be listed."""
    try:
        pages = connection.list_items("/api/v1/namespaces")
        return [decoded(raw, _Labelled).metadata.name for page in pages for raw in page]
    except (Forbidden, NotFound, ApiProblem):
        return None


def server_time(connection: Connection) -> datetime.datetime:
    """The API server's time, to the second: a wrong clock here must not make a live run's objects look old.

    This machine's where the server does not tell.
    """
    given = connection.get_response("/version").headers.get("date", "")
    with contextlib.suppress(ValueError):
        told = parsedate_to_datetime(given)
        return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)
    return datetime.datetime.now(datetime.UTC)


def leftovers(
    connection: Connection,
    namespace: str | None,
    *,
    kinds: tuple[str, ...] = KINDS,
    now: datetime.datetime | None = None,
) -> list[Leftover]:
    """Objects of ours in a namespace (None: in all), those of live runs included: one LIST for each kind.

    Their ages are by `now`, this machine's clock if it is not given. Raises a ConnectionProblem where they may
    not be listed.
    """
    paths = {"Job": job_path, "Pod": pod_path}
    now = now or datetime.datetime.now(datetime.UTC)
    return [
        leftover
        for kind in kinds
        for page in connection.list_items(paths[kind](namespace), [("labelSelector", f"{MANAGED_BY}={NAME}")])
        for leftover in _decoded(kind, page, now)
    ]


def _decoded(kind: str, page: list[msgspec.Raw], now: datetime.datetime) -> Iterator[Leftover]:
    for raw in page:
        try:
            labelled = decoded(raw, _Labelled)
            meta = labelled.metadata
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        # A Job's pod goes with its Job; one that is being deleted needs nobody.
        if meta.owner_references or meta.deletion_timestamp:
            continue
        run_id = (meta.labels or {}).get(RUN, "")
        age = _age(meta.creation_timestamp, now)
        more = max(0.0, (labelled.spec.active_deadline_seconds or 0) - DEADLINE)
        yield Leftover(kind, meta.namespace, meta.name, meta.uid, run_id, age, more)


def _age(created: str | None, now: datetime.datetime) -> float:
    try:
        then = datetime.datetime.fromisoformat(created or "")
    except ValueError:
        return 0.0
    return (now - then).total_seconds() if then.tzinfo else 0.0


def remove(connection: Connection, path: str, uid: str | None = None) -> None:
    """Delete a Job with its pod, or a pod; gone already is fine.

    Raises a ConnectionProblem; 409 when the object of that name is another one than `uid`.
    """
    with contextlib.suppress(NotFound):
        connection.delete(path, uid=uid, propagation="Background")


def job_path(namespace: str | None, name: str = "") -> str:
    """API path of a Job, or of all Jobs of a namespace (None: of all)."""
    return _path("/apis/batch/v1", namespace, "jobs", name)


def pod_path(namespace: str | None, name: str = "") -> str:
    """API path of a pod, or of all pods of a namespace (None: of all)."""
    return _path("/api/v1", namespace, "pods", name)


def _path(group: str, namespace: str | None, resource: str, name: str) -> str:
    place = f"/namespaces/{namespace}" if namespace is not None else ""
    return f"{group}{place}/{resource}" + (f"/{name}" if name else "")
