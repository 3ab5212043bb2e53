"""A connection without a cluster: answers by path, and a record of what was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.client import Connection
from kubectl_refused.connection.errors import Forbidden, NotFound
from kubectl_refused.connection.paging import Page, Whole
from kubectl_refused.model.facts import Fact, FactStore, Need
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.base import Ledger, Method, ProbeContext, ProbeSettings

Query = Iterable[tuple[str, str]]


class FakeConnection:
    """Answers a GET of a path with a JSON-able value, bytes, or by raising; lists page as the real one does.

    A path that was not given is NotFound. `asked` holds "VERB path?key=value" in order.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers, self._lock = answers, threading.Lock()
        self.asked: list[str] = []
        self.patched: list[tuple[str, Any, str, bool]] = []
        self.cancel = Cancel()

    def get_bytes(self, path: str, query: Query = ()) -> bytes:
        return self._bytes(self._answer("GET", path, query))

    def get_row(self, path: str) -> dict[str, str]:
        row: dict[str, str] = self._answer("ROW", path, ())
        return row

    def list_items(self, path: str, query: Query = (), page_size: int = 500) -> Iterator[list[msgspec.Raw]]:
        items = self._answer("LIST", path, query)
        for start in range(0, max(len(items), 1), page_size):
            yield [msgspec.Raw(self._bytes(item)) for item in items[start : start + page_size]]

    def list_pages(
        self,
        path: str,
        query: Query = (),
        page_size: int = 500,
        *,
        ahead: bool = False,
        whole: Whole | None = None,
    ) -> Iterator[Page]:
        return (Page(items) for items in self.list_items(path, query, page_size))

    def patch(self, path: str, body: object, content_type: str, dry_run: bool = False) -> bytes:
        answer = self._answer("PATCH", path, ())
        self.patched.append((path, body, content_type, dry_run))
        return self._bytes(answer)

    def _answer(self, verb: str, path: str, query: Query) -> Any:
        words = "&".join(f"{key}={value}" for key, value in query)
        with self._lock:
            self.asked.append(f"{verb} {path}" + (f"?{words}" if words else ""))
        answer = self._answers.get(path)
        if answer is None:
            raise NotFound("things", path.rsplit("/", 1)[-1], f'things "{path}" not found')
        answer = answer() if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    @staticmethod
    def _bytes(value: Any) -> bytes:
        return value if isinstance(value, bytes) else msgspec.json.encode(value)


def forbidden(verb: str, resource: str, namespace: str = "shop") -> Forbidden:
    """What missing rights raise; `resource` with its group, as the connection says it."""
    return Forbidden(verb, resource, namespace, f'cannot {verb} resource "{resource}"')


def as_connection(fake: FakeConnection) -> Connection:
    """The fake where a Connection is wanted; it has all that these callers use."""
    return cast(Connection, fake)


def probe_context(
    fake: FakeConnection | None = None,
    *,
    snapshot: Snapshot | None = None,
    facts: FactStore | None = None,
    **settings: Any,
) -> ProbeContext:
    """A context for svc/web in namespace shop."""
    return ProbeContext(
        connection=as_connection(fake or FakeConnection({})),
        target=Target("web", "shop"),
        snapshot=snapshot or Snapshot(),
        facts=facts or FactStore(),
        settings=ProbeSettings(**{"depth": Depth.ALL, "dial_timeout": 0.2, "probe_pod_timeout": 0.5, **settings}),
        ledger=Ledger(),
        run_id="4f2a",
    )


def ask(method: Method, context: ProbeContext, fact: Fact[Any], *subjects: Any) -> list[Any]:
    """The method's answers in the order of the subjects; every one must be answered."""
    needs = [Need(fact, subject) for subject in subjects]
    answers = dict(method.learn(needs, context))
    return [answers[need] for need in needs]
