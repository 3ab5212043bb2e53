"""Evidence that many causes give."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.model.target import Vantage
from kubectl_refused.trace.proofs import packet, source_address
from tests.scenery import scene

POD4, POD6 = "10.202.1.9", "fd00::9"


def dialled(host: str, source: str = "") -> Handshake:
    return Handshake(host, 8080, Outcome.REFUSED, 0.0004, "probe-pod", source=source)


def seen_from(address: str) -> Scene:
    return replace(scene(), vantage=Vantage("pod", "shop", "node1", address=address))


@pytest.mark.parametrize(
    ("host", "source", "known", "left_from"),
    [
        ("10.0.0.1", POD4, POD4, POD4),
        ("fd00::1", POD6, POD4, POD6),
        ("fd00::1", "", POD4, ""),
        ("10.0.0.1", "", POD4, POD4),
        ("10.0.0.1", "the API server", POD4, POD4),
        ("web.shop.svc", POD4, POD4, ""),
    ],
)
def test_a_dial_left_from_an_address_of_its_own_family(host: str, source: str, known: str, left_from: str) -> None:
    assert source_address(seen_from(known), dialled(host, source)) == left_from


def test_an_ipv6_address_is_told_in_brackets() -> None:
    proof = packet(seen_from(POD4), dialled("fd00::1"))
    assert proof.subject == proof.address == "[fd00::1]:8080"
    assert proof.says.startswith("[fd00::1]:8080 answered RST")
