"""Read what the API server calls: webhook configurations, and APIServices. All are of the whole cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kubectl_refused.model.registrations import (
    APIService,
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Target

from .cluster import changes_of
from .decoding import decode
from .reads import ListRequest, each, list_objects

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection

MOST_PAGES = 2
_Kind = tuple[str, type[Any], str]
_WEBHOOKS: tuple[_Kind, ...] = tuple(
    (f"{type_.__name__}s", type_, f"/apis/admissionregistration.k8s.io/v1/{type_.__name__.lower()}s")
    for type_ in (ValidatingWebhookConfiguration, MutatingWebhookConfiguration)
)
_SERVERS: tuple[_Kind, ...] = (("APIServices", APIService, "/apis/apiregistration.k8s.io/v1/apiservices"),)


def read_calls(connection: Connection, target: Target, now: Callable[[], float]) -> Iterator[Change]:
    """Yield a Change for each object of the kind: an error message names a webhook, not its configuration.

    Raises Unreachable, CredentialsProblem or Cancelled.
    """
    kinds = _WEBHOOKS if target.kind == "Webhook" else _SERVERS
    for part in each(lambda kind: list(_read(connection, kind, now)), kinds):
        yield from part


def _read(connection: Connection, kind: _Kind, now: Callable[[], float]) -> Iterator[Change]:
    what, type_, path = kind
    request: ListRequest[Any] = ListRequest(what, path, lambda raw: decode(raw, type_), most_pages=MOST_PAGES)
    return changes_of(list_objects(connection, request), Coverage(type_.__name__, ""), request, now)
