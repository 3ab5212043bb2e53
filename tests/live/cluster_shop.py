"""A small shop in a namespace of its own, and a client pod in it to look at the cluster from inside."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.cluster.api import Cluster
from tests.live.conftest import fresh_namespace

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
         labelSelector: {matchLabels: {app: web}}}
      containers:
      - name: web
        image: localhost/busybox:1
        command: [sh, -c, "hostname > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: self}
spec: {selector: {app: client}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 1000}
  containers:
  - name: client
    image: localhost/python:3
    command: [python3, -m, http.server, "8080", --directory, /tmp]
    ports: [{containerPort: 8080, hostPort: HOSTPORT}]
"""
# Prints what a dial gives: the name of an exception, or the body of an HTTP answer.
DIAL = """
import http.client, sys
for word in sys.argv[1:]:
    host, port = word.split(":")
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=4)
        connection.request("GET", "/")
        print(connection.getresponse().read().decode().split("\\n")[0])
    except Exception as error:
        print(type(error).__name__)
"""


def open_shop(cluster: Cluster) -> Iterator[str]:
    """A namespace with two web pods, one on each node, their Service, and a client pod."""
    name = fresh_namespace(cluster)
    host_port = str(20000 + int(name[-3:], 16))
    cluster.apply(SHOP.replace("HOSTPORT", host_port), namespace=name)
    words = ["wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=40s"]
    cluster.kubectl(*words)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def in_client(cluster: Cluster, shop: str, code: str, *words: str) -> str:
    """Run Python in the client pod and return what it prints."""
    argv = ["exec", "-n", shop, "client", "-i", "--", "python3", "-", *words]
    return cluster.kubectl(*argv, input=code).stdout


def dial(cluster: Cluster, shop: str, *targets: str) -> list[str]:
    """What the client pod gets from each HOST:PORT."""
    return in_client(cluster, shop, DIAL, *targets).splitlines()


def pods(cluster: Cluster, shop: str, app: str) -> list[dict[str, str]]:
    """Name, node and address of the pods with that label."""
    items = cluster.client().call("GET", f"/api/v1/namespaces/{shop}/pods?labelSelector=app%3D{app}")["items"]
    return [
        {"name": item["metadata"]["name"], "node": item["spec"]["nodeName"], "ip": item["status"]["podIP"]}
        for item in items
    ]


def wait_for_answer(cluster: Cluster, shop: str, wanted: set[str], *targets: str) -> list[str]:
    """Dial until every answer is among the wanted, since rules take a moment to reach the nodes."""
    for _ in range(20):
        answers = dial(cluster, shop, *targets)
        if set(answers) <= wanted:
            return answers
        time.sleep(0.3)
    raise AssertionError(f"{targets}: {answers}, wanted {wanted}")
