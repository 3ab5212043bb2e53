"""TLS Secrets by name and type: there, absent, forbidden, without a type; never what is in them."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import NotFound
from kubectl_refused.model.facts import SECRET_TYPE, Need, SecretKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import SecretSeen
from kubectl_refused.probes.secret_reads import SecretReads
from tests.fakes import FakeConnection, forbidden, probe_context

PATH = "/api/v1/namespaces/shop/secrets/shop-tls"
NEED = Need(SECRET_TYPE, SecretKey("shop", "shop-tls"))


def learnt(answer: Any) -> Any:
    fake = FakeConnection({PATH: answer})
    value = dict(SecretReads().learn([NEED], probe_context(fake)))[NEED]
    assert fake.asked == [f"ROW {PATH}"]
    return value


@pytest.mark.parametrize(
    ("answer", "type_"),
    [
        ({"Name": "shop-tls", "Type": "kubernetes.io/tls", "Data": "2", "Age": "3d"}, "kubernetes.io/tls"),
        (NotFound("secrets", "shop-tls", 'secrets "shop-tls" not found'), ""),
    ],
)
def test_its_type_is_that_of_its_line(answer: Any, type_: str) -> None:
    assert learnt(answer) == SecretSeen(type_)


@pytest.mark.parametrize("answer", [forbidden("get", "secrets"), {"Name": "shop-tls"}])
def test_what_is_not_told_is_a_gap(answer: Any) -> None:
    got = learnt(answer)
    assert isinstance(got, Gap)
    assert got.what == "secret/shop-tls"
