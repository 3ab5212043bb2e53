"""A priority level of the suite's API server for one service account, whose seats a test takes and gives back.

A level without seats lets a request through nevertheless while it has none executing (`canAccommodateSeatsLocked`
in apiserver/pkg/util/flowcontrol/fairqueuing/queueset/queueset.go, Kubernetes 1.34). So one is kept executing: a
POST whose body does not come, which its handler waits for once it has its seat. All others get 429.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.cluster.api import Cluster

GROUP = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS, SCHEMAS = f"{GROUP}/prioritylevelconfigurations", f"{GROUP}/flowschemas"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"  # who is logged in may ask it
DUMP = "/debug/api_priority_and_fairness/dump_priority_levels"
PLENTY = 50  # shares, as system-nodes has 30 by default
SECONDS = 30.0


class Seats:
    """The level, for the length of a block; `kubeconfig` is that of the only one who is on it. Seats are there."""

    def __init__(self, cluster: Cluster, namespace: str, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._client, self._name, self._namespace = cluster.client(), namespace, namespace
        document = json.loads(kubeconfig.read_text())
        authority = document["clusters"][0]["cluster"]["certificate-authority-data"]
        self._tls = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        self._headers = {"Authorization": f"Bearer {document['users'][0]['user']['token']}"}
        self._kept = self._connection()

    def __enter__(self) -> Seats:
        self._client.create(LEVELS, {"metadata": {"name": self._name}, "spec": _level(PLENTY)})
        spec = _schema(self._name, self._namespace, self.kubeconfig.stem)
        self._client.create(SCHEMAS, {"metadata": {"name": self._name}, "spec": spec})
        uid = self._client.call("GET", f"{LEVELS}/{self._name}")["metadata"]["uid"]
        wait_until(lambda: self._asked().headers["X-Kubernetes-PF-PriorityLevel-UID"] == uid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._kept.close()
        self._client.delete(f"{SCHEMAS}/{self._name}")
        self._client.delete(f"{LEVELS}/{self._name}")

    def take(self) -> None:
        """Leave none, and wait until the API server means it; after a minute it ends what it keeps executing."""
        self._keep_one()
        self._share(0)
        wait_until(lambda: self._asked().status == http.client.TOO_MANY_REQUESTS)

    def give(self) -> None:
        """Have plenty again."""
        self._share(PLENTY)
        self._kept.close()

    @property
    def refused(self) -> int:
        """How many requests have got 429 so far."""
        head, *rows = [row.split(",") for row in self._client.call("GET", DUMP).splitlines()]
        columns = [word.strip() for word in head]
        mine = next(row for row in rows if row[0].strip() == self._name)
        return int(mine[columns.index("RejectedRequests")])

    def _share(self, shares: int) -> None:
        self._client.call("PATCH", f"{LEVELS}/{self._name}", {"spec": _level(shares)})

    def _asked(self) -> http.client.HTTPResponse:
        """The answer to a request that the person may make."""
        connection = self._connection()
        headers = {**self._headers, "Connection": "close"}
        connection.request("GET", f"/api/v1/namespaces/{self._namespace}/services?limit=1", headers=headers)
        response = connection.getresponse()
        response.read()
        return response

    def _keep_one(self) -> None:
        """Begin a request that does not end."""
        self._kept.putrequest("POST", REVIEW)
        for name, value in {**self._headers, "Content-Type": "application/json", "Content-Length": "2"}.items():
            self._kept.putheader(name, value)
        self._kept.endheaders()

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._client.host, self._client.port, context=self._tls, timeout=SECONDS
        )


def wait_until(true: Callable[[], object], shown: object = "") -> None:
    """Wait for a state; what is `shown` where it never comes."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, shown
        time.sleep(0.02)


def _level(shares: int) -> dict[str, Any]:
    """It neither queues nor lends, and borrows from nobody."""
    limited = {
        "nominalConcurrencyShares": shares,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    return {"type": "Limited", "limited": limited}


def _schema(level: str, namespace: str, account: str) -> dict[str, Any]:
    """All that the account asks for, before any other schema but those of administrators and probes has a look."""
    resources = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    subject = {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": account}}
    rule = {
        "subjects": [subject],
        "resourceRules": [resources],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    return {"matchingPrecedence": 2, "priorityLevelConfiguration": {"name": level}, "rules": [rule]}
