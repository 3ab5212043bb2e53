"""What is not known, told once for each reason."""

from __future__ import annotations

import msgspec

from kubectl_refused.model.report import GapTold

from . import samples
from .streams import rendered


def _pods(number: int) -> tuple[GapTold, ...]:
    return tuple(
        GapTold(what=f"sockets of pod/web-{i}", because="may not exec", remedy="grant it") for i in range(number)
    )


def test_one_reason_is_told_once() -> None:
    diagnosis = msgspec.structs.replace(samples.rejected(), gaps=_pods(5))
    told = " ".join(rendered(diagnosis).split())
    assert (
        "sockets of pod/web-0, sockets of pod/web-1, sockets of pod/web-2 and 2 more: may not exec; grant it"
        in told
    )
    assert told.count("may not exec") == 1


def test_unlike_reasons_stay_apart() -> None:
    other = GapTold(what="nodes", because="may not list", remedy="")
    told = rendered(msgspec.structs.replace(samples.rejected(), gaps=(*_pods(1), other)))
    assert "may not exec" in told
    assert "nodes: may not list" in told
