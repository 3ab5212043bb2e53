"""What completion looks up: names in kubeconfigs, and names in a cluster within LONGEST seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .options import CONNECTION, DIAGNOSIS, find

if TYPE_CHECKING:
    from kubectl_refused.connection.options import ConnectionOptions

LONGEST = 2.0  # seconds; a shell that waits longer feels broken
MOST = 1000  # names


def kubeconfig_names(section: str, typed: Sequence[str]) -> list[str]:
    """Names in a section (contexts, clusters or users) of the kubeconfigs; imports no Kubernetes client."""
    import os

    from kubectl_refused.connection.kubeconfig_files import candidate_files, merge_files

    merged = merge_files(candidate_files(_values(typed).get("kubeconfig"), os.environ))
    return list(getattr(merged, section))


def namespaces(typed: Sequence[str]) -> list[str]:
    """Names of the namespaces, or none when the cluster does not answer in time."""
    return _within(lambda: _names(typed, lambda connection: "/api/v1/namespaces"))


def services(typed: Sequence[str]) -> list[str]:
    """Names of the Services in the namespace asked for, or none when the cluster does not answer in time."""
    return _within(lambda: _names(typed, lambda connection: f"/api/v1/namespaces/{connection.namespace}/services"))


def clients(typed: Sequence[str]) -> list[str]:
    """What --from takes: the two words, and the pods of the client's namespace."""
    space = _values(typed).get("from_namespace")
    pods = _within(
        lambda: _names(typed, lambda connection: f"/api/v1/namespaces/{space or connection.namespace}/pods")
    )
    return ["every-node", "here", *(f"pod/{name}" for name in pods)]


def _within(look_up: Callable[[], list[str]]) -> list[str]:
    import threading

    import urllib3  # noqa: F401  (before the clock starts: the limit is meant for the cluster)

    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(_or_none(look_up)), daemon=True)
    thread.start()
    thread.join(LONGEST)
    return found[0] if found else []


def _or_none(look_up: Callable[[], list[str]]) -> list[str]:
    try:
        return look_up()
    except Exception:  # a shell has no place to show it
        return []


def _names(typed: Sequence[str], path_of: Callable[[Any], str]) -> list[str]:
    from kubectl_refused.connection.client import connect
    from kubectl_refused.decoders import decoded
    from kubectl_refused.model.objects import Namespace  # nothing but metadata, so it fits every object

    connection = connect(_options(typed))
    page = next(iter(connection.list_items(path_of(connection), page_size=MOST)), [])
    return [decoded(item, Namespace).metadata.name for item in page]


def _options(typed: Sequence[str]) -> ConnectionOptions:
    from .request import connection_of

    return connection_of(_values(typed))


def _values(typed: Sequence[str]) -> dict[str, Any]:
    """The options among the words typed so far; what is odd is left out."""
    values: dict[str, Any] = {}
    words = iter(typed)
    for word in words:
        name, equals, value = word.partition("=")
        option = find(CONNECTION + DIAGNOSIS, name)
        if option is None:
            continue
        given: Any = (value if equals else next(words, "")) if option.metavar else True
        values[option.key] = [*values.get(option.key, []), given] if option.repeatable else given
    return values
