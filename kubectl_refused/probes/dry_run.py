"""A patch that the API server checks and admits without storing it.

The field manager is kubectl-refused: without one in the query the server takes the User-Agent's first word
(apiserver pkg/endpoints/handlers, managerOrUserAgent).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import DRY_RUN, Fact, Need, PatchKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import DryRun
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.sources.reads import each, gap_of
from kubectl_refused.text import one_line


class ServerDryRun:
    """Sends patches with dryRun=All: validation and admission run, nothing is kept."""

    name = "dry-run"
    order = 10
    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({DRY_RUN})
    rights: tuple[Right, ...] = (Right("patch", "services"),)

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Try every patch."""
        context.say("trying the fix as a dry run")
        values = each(lambda key: _try(context, key), [need.subject for need in needs])
        return list(zip(needs, values, strict=True))


def _try(context: ProbeContext, key: PatchKey) -> DryRun | Gap:
    """What the server says against the patch is an answer; what it says against *us* is a Gap."""
    what = "a server-side dry run of the fix"
    try:
        body = msgspec.json.decode(key.patch)
        context.connection.patch(key.path, body, key.type, dry_run=True)
    except Forbidden as error:
        return DryRun(False, one_line(error.server_message)) if error.by_admission else gap_of(error, what)
    except NotFound as error:
        return DryRun(False, one_line(error.message))
    except ApiProblem as error:
        refused = error.from_api_server and 400 <= error.status < 500 and error.status != 429
        return DryRun(False, one_line(error.server_message)) if refused else gap_of(error, what)
    except msgspec.DecodeError as error:
        return Gap(what, f"the patch is no JSON: {error}")
    return DryRun(True)
