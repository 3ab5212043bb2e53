"""ConfigMaps by name: read, absent, forbidden, odd."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import NotFound
from kubectl_refused.model.facts import CONFIG_MAP, ConfigMapKey, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.probes.config_maps import ConfigMaps
from tests.fakes import FakeConnection, forbidden, probe_context

PATH = "/api/v1/namespaces/shop/configmaps/app"
NEED = Need(CONFIG_MAP, ConfigMapKey("shop", "app"))


def learnt(answer: Any) -> Any:
    return dict(ConfigMaps().learn([NEED], probe_context(FakeConnection({PATH: answer}))))[NEED]


def test_its_data_are_read() -> None:
    got = learnt({"metadata": {"name": "app"}, "data": {"WEB_URL": "http://web"}, "immutable": True})
    assert (got.data, got.immutable) == ({"WEB_URL": "http://web"}, True)


def test_one_that_is_not_there_gives_no_variables() -> None:
    got = learnt(NotFound("configmaps", "app", 'configmaps "app" not found'))
    assert (got.metadata.name, got.data) == ("app", None)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (forbidden("get", "configmaps"), "forbidden: get configmaps in namespace shop"),
        ({"metadata": {"name": "app"}, "data": ["x"]}, "it does not read as one"),
    ],
)
def test_one_that_cannot_be_read_is_a_gap(answer: Any, because: str) -> None:
    got = learnt(answer)
    assert isinstance(got, Gap)
    assert got.what == "the client's variables from configmap/app"
    assert got.because.startswith(because)
