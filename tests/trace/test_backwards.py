"""From a Service back to what leads to it, and to nothing else."""

from __future__ import annotations

from typing import Any

import yaml

from kubectl_refused.model.target import Target
from kubectl_refused.trace.backwards import entrances_to
from kubectl_refused.trace.entrances import doors_of
from tests.case_folders import decoded, snapshot_of

GATEWAY = "gateway.networking.k8s.io/v1"
OBJECTS = """
- {kind: Service, metadata: {name: web, namespace: shop}, spec: {type: LoadBalancer, selector: {app: web},
   ports: [{name: http, port: 80, nodePort: 30080}, {name: dns, port: 53, protocol: UDP, nodePort: 30053}]}}
- {kind: Service, metadata: {name: other, namespace: shop}, spec: {type: NodePort,
   ports: [{port: 80, nodePort: 30081}]}}
- {kind: Ingress, metadata: {name: shop, namespace: shop}, spec: {
   defaultBackend: {service: {name: other, port: {number: 80}}},
   rules: [{host: a.example, http: {paths: [{path: /, backend: {service: {name: other, port: {number: 80}}}},
     {path: /w, backend: {service: {name: web, port: {name: http}}}}]}}]}}
- {kind: Ingress, metadata: {name: default, namespace: shop}, spec: {
   defaultBackend: {service: {name: web, port: {number: 80}}}}}
- {kind: Ingress, metadata: {name: elsewhere, namespace: other}, spec: {
   defaultBackend: {service: {name: web, port: {number: 80}}}}}
- {kind: HTTPRoute, metadata: {name: far, namespace: edge}, spec: {rules: [{backendRefs: [
   {name: web, namespace: shop, port: 80}]}]}}
- {kind: HTTPRoute, metadata: {name: idle, namespace: shop}, spec: {rules: [{backendRefs: [
   {name: web, port: 80, weight: 0}, {name: other, port: 80}]}]}}
- {kind: HTTPRoute, metadata: {name: mirrors, namespace: shop}, spec: {rules: [{
   filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}],
   backendRefs: [{name: other, port: 80}]}]}}
- {kind: GRPCRoute, metadata: {name: calls, namespace: shop}, spec: {rules: [{backendRefs: [
   {name: web, port: 80}]}]}}
- {kind: TLSRoute, metadata: {name: sealed, namespace: shop}, spec: {rules: [{backendRefs: [
   {name: web, port: 80}]}]}}
- {kind: TCPRoute, metadata: {name: plain, namespace: shop}, spec: {rules: [{backendRefs: [
   {name: web, port: 80}]}]}}
- {kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
- {kind: Node, metadata: {name: down}, status: {conditions: [{type: Ready, status: 'False'}]}}
- {kind: Pod, metadata: {name: web-1, namespace: shop, labels: {app: web}}, spec: {nodeName: one, containers: [
   {name: web, ports: [{containerPort: 8080, hostPort: 8081}, {containerPort: 9090}]}]}}
- {kind: ValidatingWebhookConfiguration, metadata: {name: checks}, webhooks: [
   {name: check.shop.example, clientConfig: {service: {name: web, namespace: shop}}},
   {name: outside.example, clientConfig: {url: 'https://outside.example/'}}]}
- {kind: APIService, metadata: {name: v1.shop.example}, spec: {service: {name: web, namespace: shop}}}
- {kind: APIService, metadata: {name: v1.apps}, spec: {}}
"""
SNAPSHOT = snapshot_of(tuple(decoded(one) for one in yaml.safe_load(OBJECTS)))


def found(**more: Any) -> list[Target]:
    return entrances_to(Target("web", "shop", **more), SNAPSHOT)


def test_everything_that_leads_there_is_found() -> None:
    assert [(str(one), one.namespace) for one in found()] == [
        ("ingress/shop", "shop"),
        ("ingress/default", "shop"),
        ("httproute/far", "edge"),
        ("grpcroute/calls", "shop"),
        ("tlsroute/sealed", "shop"),
        ("tcproute/plain", "shop"),
        ("lb/web", "shop"),
        ("node/one:30080", "shop"),
        ("node/one:8081", "shop"),
        ("webhook/check.shop.example", "shop"),
        ("apiservice/v1.shop.example", "shop"),
    ]


def test_of_each_only_the_doors_to_that_service_are_walked() -> None:
    (shop, *_) = found()
    assert [(door.host, door.path, door.service) for door in doors_of(shop, SNAPSHOT)] == [
        ("a.example", "/w", "web")
    ]


def test_of_one_port_only_its_own_node_port() -> None:
    assert "node/one:30080" in map(str, found(port="http"))
    assert "node/one:30080" not in map(str, found(port="53"))


def test_a_service_that_is_not_there_has_no_entrances() -> None:
    assert entrances_to(Target("gone", "shop"), SNAPSHOT) == []
