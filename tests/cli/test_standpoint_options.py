"""--from and what goes with it, from the command line to the Request."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.cli.options import CONNECTION, DIAGNOSIS
from kubectl_refused.cli.request import FROM_SEVERAL, Request, request_of
from kubectl_refused.errors import UsageProblem
from kubectl_refused.resolve.standpoints import Standpoint


def made(**values: Any) -> Request:
    return request_of(["svc/web"], values, DIAGNOSIS + CONNECTION)


def test_clients_and_their_namespace_reach_the_request() -> None:
    request = made(standpoints=["pod/cart", "node/a"], from_namespace="till", host_network=True)
    assert request.standpoints == (Standpoint("Pod", "cart"), Standpoint("Node", "a"))
    assert (request.client_namespace, request.host_network) == ("till", True)


@pytest.mark.parametrize(
    ("values", "dials"),
    [
        ({}, 1),
        ({"standpoints": ["pod/cart"]}, 1),
        ({"standpoints": ["pod/cart,pod/till"]}, FROM_SEVERAL),
        ({"standpoints": ["every-node"]}, FROM_SEVERAL),
        ({"standpoints": ["every-node"], "dials": "1"}, 1),
        ({"dials": "20"}, 20),
    ],
)
def test_only_a_comparison_dials_often_without_being_asked(values: dict[str, Any], dials: int) -> None:
    assert made(**values).probing.dials == dials


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"dials": "0"}, "not between 1 and 20"),
        ({"dials": "many"}, "not between 1 and 20"),
        ({"dials": "٣"}, "not between 1 and 20"),
        ({"host_network": True}, "--host-network is of nodes"),
        ({"standpoints": ["pod/cart"], "host_network": True}, "--host-network is of nodes"),
        ({"from_namespace": "till"}, "none is named"),
        ({"standpoints": ["here"], "from_namespace": "till"}, "none is named"),
        ({"standpoints": ["pod/cart"], "from_namespace": "Till"}, "no namespace name"),
        ({"standpoints": ["pod/cart"], "probe": "passive"}, "type --probe pods"),
        ({"standpoints": ["here"], "probe": "none"}, "type --probe passive"),
        ({"standpoints": ["here"], "filename": ["web.yaml"]}, "-f reads files"),
    ],
)
def test_what_does_not_fit_together_is_one_line(values: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        made(**values)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
