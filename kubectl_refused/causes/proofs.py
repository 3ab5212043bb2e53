"""How each cause is proven, and where its test runs: for the list of causes and its documentation."""

from __future__ import annotations

from importlib import resources
from typing import Any

from kubectl_refused.model import facts
from kubectl_refused.model.facts import Fact

from . import Cause

# What stands behind a cause besides the objects, which all of them read.
_SOCKETS: frozenset[Fact[Any]] = frozenset({facts.LISTENERS, facts.CONNECTIONS, facts.HOST_SOCKETS})
_PACKETS: frozenset[Fact[Any]] = frozenset({facts.HANDSHAKE, facts.LOOKUP, facts.FORWARD, facts.SEARCH})
_LOGS: frozenset[Fact[Any]] = frozenset({facts.LOG, facts.UNITS})
# Written by `make docs` from the live suite, which a wheel does not hold.
TESTED_LIVE = "tested_live.txt"


def proven_by(cause: Cause) -> tuple[str, ...]:
    """`objects`, and as the cause reads them `sockets`, `packets`, `logs`."""
    kinds = (("sockets", _SOCKETS), ("packets", _PACKETS), ("logs", _LOGS))
    return ("objects", *(word for word, known in kinds if cause.reads & known))


def made_live() -> frozenset[str]:
    """Names (with dashes) of the causes that the live suite makes for real; the others' cases are recorded."""
    text = resources.files(__package__).joinpath(TESTED_LIVE).read_text(encoding="utf-8")
    return frozenset(text.split())
