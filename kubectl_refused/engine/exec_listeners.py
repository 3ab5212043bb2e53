"""The listening sockets of a container by a program that the engine runs: in it, or in a helper beside it.

The helper shares the container's network namespace, comes from an image that is already there, and is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.facts import CONTAINER_LISTENERS, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Listeners
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.container_exec import WITH_SHELL, WITHOUT_SHELL
from kubectl_refused.probes.proc_net import parse_owners, was_read, with_owners
from kubectl_refused.probes.proc_net_queues import listeners_of
from kubectl_refused.text import one_line

from .connect import api_of
from .proc_listeners import WHAT, find

# Images that have a shell or cat, by parts of their names, likeliest first.
LIKELY = ("busybox", "alpine", "debian", "ubuntu", "python", "nginx", "redis", "postgres", "node", "httpd")
MOST_IMAGES = 3
SECONDS = 20
LABEL = "app.kubernetes.io/managed-by"


class ExecListeners:
    """Runs the script in the container itself."""

    name = "exec-listeners"
    order = 30
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({CONTAINER_LISTENERS})
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each container."""
        for need in needs:
            container = find(context.snapshot, need.subject)
            yield need, _by_exec(container, context) if container else Gap(WHAT, "it is gone")


class HelperListeners:
    """Runs the script in a container of ours that shares the other one's network namespace."""

    name = "helper-listeners"
    order = 40
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({CONTAINER_LISTENERS})
    rights: tuple[Right, ...] = ()

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read each container."""
        for need in needs:
            container = find(context.snapshot, need.subject)
            yield need, _by_helper(container, context) if container else Gap(WHAT, "it is gone")


def _by_exec(container: EngineContainer, context: ProbeContext) -> Listeners | Gap:
    if container.state.status != "running":
        return Gap(WHAT, f"nothing can be run in it while it is {container.state.status}")
    api, touch = api_of(context), f"exec in container {container.called}: cat /proc/net/tcp"
    context.say("reading listening sockets")
    why = ""
    for argv in (WITH_SHELL, WITHOUT_SHELL):
        context.connection.cancel.check()
        context.ledger.record(touch, "read only")
        try:
            run = api.exec_create(container.id, list(argv))["Id"]
            text = api.exec_start(run).decode(errors="replace")
        except Exception as error:
            why = one_line(str(error))
            continue
        if was_read(text):
            return _told(text, f"exec in {container.called}")
        why = one_line(text)
    return Gap(WHAT, f"its image has neither sh nor cat: {why}" if why else "its image has neither sh nor cat")


def _told(text: str, witness: str) -> Listeners:
    found, owners = listeners_of(text, witness=witness), parse_owners(text)
    return replace(found, sockets=with_owners(found.sockets, owners), udp=with_owners(found.udp, owners))


def _by_helper(container: EngineContainer, context: ProbeContext) -> Listeners | Gap:
    if container.state.status not in ("running", "paused"):
        return Gap(WHAT, "it does not run")
    why = "no image is there that has sh or cat"
    try:
        images = [context.settings.image] if context.settings.image else _images(api_of(context))
    except Exception as error:
        return Gap(WHAT, one_line(str(error)))
    for image in images[:MOST_IMAGES]:
        context.connection.cancel.check()
        try:
            text = _run_helper(image, container, context)
        except Exception as error:
            why = one_line(str(error))
            continue
        if was_read(text):
            return _told(text, f"a helper beside {container.called}")
    return Gap(WHAT, why, "--image NAME, one that is there and has sh or cat")


def _images(api: Any) -> list[str]:
    """Names of images that are there, the likeliest to have a shell first."""
    names = [
        str(name) for image in api.images() for name in image.get("RepoTags") or () if "<none>" not in str(name)
    ]
    rank = {name: next((i for i, part in enumerate(LIKELY) if part in name), len(LIKELY)) for name in names}
    return sorted(names, key=lambda name: (rank[name], name))


def _run_helper(image: str, container: EngineContainer, context: ProbeContext) -> str:
    """Its output. It is in the ledger before it is made, and removed at once."""
    api, name = api_of(context), f"refused-{context.run_id}"
    what = f"container/{name}"
    context.ledger.record(what, "removed", lambda spare: _remove(_api(spare), name))
    settings = api.create_host_config(
        network_mode=f"container:{container.id}", cap_drop=["ALL"], auto_remove=False
    )
    argv = list(WITH_SHELL)
    labels = {LABEL: "kubectl-refused"}
    api.create_container(
        image, entrypoint=argv[:1], command=argv[1:], name=name, host_config=settings, labels=labels
    )
    try:
        api.start(name)
        api.wait(name, timeout=SECONDS)
        return str(api.logs(name).decode(errors="replace"))
    finally:
        _remove(api, name)


def _api(connection: Any) -> Any:
    """That of the connection which the clean-up has for itself."""
    return connection.api


def _remove(api: Any, name: str) -> None:
    """Gone now, or before."""
    from docker.errors import NotFound

    try:
        api.remove_container(name, force=True)
    except NotFound:
        return
