"""ConfigMaps that the variables of a client come from.

Of level pods, as only a client that dials is asked for its settings: no other run reads any. Secrets stay unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import CONFIG_MAP, ConfigMapKey, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import ConfigMap, Metadata
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.decoding import OddObject, decode
from kubectl_refused.sources.reads import each, gap_of, namespaced
from kubectl_refused.text import one_line


class ConfigMaps:
    """Reads ConfigMaps by name, side by side."""

    name = "config-maps"
    order = 0
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({CONFIG_MAP})
    rights: tuple[Right, ...] = (Right("get", "configmaps"),)

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Read for all needs at once."""
        context.say("reading the client's settings")
        return list(zip(needs, each(partial(_get, context), [need.subject for need in needs]), strict=True))


def _get(context: ProbeContext, key: ConfigMapKey) -> ConfigMap | Gap:
    """One that is not there gives no variables (it is optional, or its pod would not run): an empty one."""
    what = f"the client's variables from configmap/{key.name}"
    try:
        return decode(context.connection.get_bytes(namespaced(key.namespace, "configmaps", key.name)), ConfigMap)
    except NotFound:
        return ConfigMap(metadata=Metadata(name=key.name, namespace=key.namespace))
    except (Forbidden, ApiProblem) as error:
        return gap_of(error, what)
    except OddObject as error:
        return Gap(what, f"it does not read as one: {one_line(str(error))}")
