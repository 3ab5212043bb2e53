"""An object's line as the API server prints it: the request, and what becomes of odd answers."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import ApiProblem, NotFound

from .conftest import Connecting
from .fake_api import Answer, Seen, status

SECRET = "/api/v1/namespaces/shop/secrets/shop-tls"
COLUMNS = [
    {"name": "Name", "type": "string"},
    {"name": "Type", "type": "string"},
    {"name": "Data", "type": "integer"},
]


def test_columns_and_cells_are_paired_and_the_object_stays_there(connecting: Connecting) -> None:
    asked: list[Seen] = []

    def answer(seen: Seen) -> Answer:
        asked.append(seen)
        return Answer(
            body={"kind": "Table", "columnDefinitions": COLUMNS, "rows": [{"cells": ["shop-tls", "x", 2]}]}
        )

    with connecting(answer) as (connection, _):
        assert connection.get_row(SECRET) == {"Name": "shop-tls", "Type": "x", "Data": "2"}
    (seen,) = asked
    assert seen.header("Accept") == ["application/json;as=Table;v=v1;g=meta.k8s.io"]
    assert (seen.path, seen.query) == (SECRET, {"includeObject": "None"})


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ({"columnDefinitions": COLUMNS, "rows": []}, {}),
        ({"columnDefinitions": COLUMNS, "rows": [{"cells": ["a"]}]}, {"Name": "a"}),
        ({"kind": "Secret", "data": {"tls.key": "x"}}, {}),
    ],
)
def test_what_is_missing_is_left_out(connecting: Connecting, body: Any, row: dict[str, str]) -> None:
    with connecting(lambda seen: Answer(body=body)) as (connection, _):
        assert connection.get_row(SECRET) == row


def test_what_is_no_success_is_raised(connecting: Connecting) -> None:
    with (
        connecting(lambda seen: status(404, "NotFound", 'secrets "shop-tls" not found')) as (connection, _),
        pytest.raises(NotFound),
    ):
        connection.get_row(SECRET)
    with connecting(lambda seen: Answer(body={"rows": 1})) as (connection, _), pytest.raises(ApiProblem):
        connection.get_row(SECRET)
