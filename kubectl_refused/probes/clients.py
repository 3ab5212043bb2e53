"""Who dials: the places that `--from` names, each worked out to what a method needs to stand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from kubectl_refused.model.objects import Pod

Standing = Literal["anywhere", "pod", "node", "here", "control", "container"]


class Client(Struct, frozen=True):
    """One place to dial from. `key` is that of its Vantage and of the Dials that start there (Dial.at).

    `anywhere`  a probe pod in `namespace`, wherever it is scheduled: what a run without `--from` has
    `pod`       the client pod `name`: `pod` is itself while it runs, else only a stand-in can dial; the stand-in
                carries `labels`, so that policies and local traffic policies see the same client
    `node`      a probe pod on `node`; with `host_network` in the node's own network namespace
    `here`      this machine
    `container` another container of the target's engine
    `control`   a probe pod in `namespace` on `node` without anybody's labels, beside the client `pod`

    `manner` are fields of a pod's spec that a probe pod for it takes over (dnsPolicy, tolerations, hostNetwork).
    `unlike` says in one clause what a stand-in cannot have of its client, empty where it is alike.
    """

    key: str = ""
    standing: Standing = "anywhere"
    namespace: str = ""
    node: str = ""
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    pod: Pod | None = None
    host_network: bool = False
    control: str = ""
    unlike: str = ""
    manner: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.key)  # `manner` has none
