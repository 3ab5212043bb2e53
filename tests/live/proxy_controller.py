"""A small controller of the suite's own: real proxies, configured from Ingresses and HTTPRoutes.

It does what controllers do, once per call of `reconcile`: read the objects of a namespace, write the configuration
of nginx, HAProxy and Envoy, run each in a pod behind a Service of its name, and say in the objects' status what it
made of them. As several real ones it does not compare ports: ResolvedRefs is True of one that no Service has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.cluster.api import Cluster
from tests.cluster.gateway_api import GROUP
from tests.cluster.proxy_images import ENVOY, WEB

from .proxy_shop import HAPROXY, MANAGER, NGINX, running
from .witness_shop import pod, service

CONTROLLER = "refused.example/of-the-suite"
PORT = 8080
ROUTES = f"/apis/{GROUP}/v1"
NO_ROUTE, NO_BACKEND = 404, 500
TIME = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Rule:
    """One host and path: the address that it leads to, or without one the status that the proxy answers itself."""

    host: str
    path: str
    upstream: str = ""
    status: int = 0


def reconcile(cluster: Cluster, namespace: str, of_class: str) -> tuple[Rule, ...]:
    """Read, configure, and tell; the rules that the proxies have now."""
    world = World(cluster, namespace, of_class)
    rules = (*world.ingress_rules(), *world.route_rules())
    pods = [pod(name, {**made(rules), "name": name}) for name, made in PROXIES.items()]
    entrances = [service(name, {"app": name}, 80, PORT) for name in PROXIES]
    cluster.apply(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, *entrances]}), namespace=namespace
    )
    world.tell()
    return rules


@dataclass(frozen=True)
class World:
    """The objects of a namespace, as the API server has them."""

    cluster: Cluster
    namespace: str
    of_class: str

    def listed(self, group: str, resource: str, namespace: str = "") -> list[dict[str, Any]]:
        path = f"{group}/namespaces/{namespace or self.namespace}/{resource}"
        found: list[dict[str, Any]] = self.cluster.client().call("GET", path)["items"]
        return found

    def address(self, namespace: str, name: str) -> str:
        """The ClusterIP of a Service, empty where there is none."""
        found = {one["metadata"]["name"]: one for one in self.listed("/api/v1", "services", namespace)}
        return found[name]["spec"]["clusterIP"] if name in found else ""

    def ingresses(self) -> list[dict[str, Any]]:
        """Those of its class, and of one that goes by ingress-nginx's name."""
        found = self.listed("/apis/networking.k8s.io/v1", "ingresses")
        mine = (self.of_class, f"{self.of_class}-nginx")
        return [one for one in found if one["spec"].get("ingressClassName") in mine]

    def ingress_rules(self) -> Iterator[Rule]:
        """As ingress-nginx does: 503 for a Service that is not there."""
        for one in self.ingresses():
            for host in one["spec"]["rules"]:
                for path in host["http"]["paths"]:
                    to = path["backend"]["service"]
                    at = self.address(self.namespace, to["name"])
                    upstream = f"{at}:{to['port']['number']}" if at else ""
                    yield Rule(host["host"], path["path"], upstream, 0 if at else 503)

    def gateways(self) -> list[dict[str, Any]]:
        """Those of its class."""
        return [one for one in self.listed(ROUTES, "gateways") if one["spec"]["gatewayClassName"] == self.of_class]

    def attached(self, route: dict[str, Any]) -> bool:
        """Whether a listener of a Gateway of its class is the one that the route names."""
        for parent in route["spec"]["parentRefs"]:
            for gateway in self.gateways():
                sections = {one["name"] for one in gateway["spec"]["listeners"]}
                if gateway["metadata"]["name"] == parent["name"] and parent.get("sectionName", "http") in sections:
                    return True
        return False

    def refusal(self, ref: dict[str, Any]) -> str:
        """Why a backend is not resolved; the port is not looked at."""
        space = ref.get("namespace", self.namespace)
        if space != self.namespace and not self.granted(space, ref["name"]):
            return "RefNotPermitted"
        return "" if self.address(space, ref["name"]) else "BackendNotFound"

    def granted(self, space: str, name: str) -> bool:
        grants = self.listed(f"/apis/{GROUP}/v1beta1", "referencegrants", space)
        come = [one["namespace"] for grant in grants for one in grant["spec"]["from"]]
        go = [one.get("name", name) for grant in grants for one in grant["spec"]["to"]]
        return self.namespace in come and name in go

    def route_rules(self) -> Iterator[Rule]:
        """As the Gateway API has it: 500 for a backend that is not resolved."""
        for route in self.listed(ROUTES, "httproutes"):
            if not self.attached(route):
                continue
            for rule in route["spec"]["rules"]:
                ref, path = rule["backendRefs"][0], rule["matches"][0]["path"]["value"]
                host = route["spec"]["hostnames"][0]
                if self.refusal(ref):
                    yield Rule(host, path, status=NO_BACKEND)
                    continue
                at = self.address(ref.get("namespace", self.namespace), ref["name"])
                yield Rule(host, path, f"{at}:{ref['port']}")

    def tell(self) -> None:
        """Write every status."""
        for one in self.gateways():
            self.write(ROUTES, "gateways", one, {"conditions": said(one, Accepted="", Programmed="")})
        for route in self.listed(ROUTES, "httproutes"):
            refs = [ref for rule in route["spec"]["rules"] for ref in rule["backendRefs"]]
            why = next(filter(None, map(self.refusal, refs)), "")
            accepted = "" if self.attached(route) else "NoMatchingParent"
            conditions = said(route, Accepted=accepted, ResolvedRefs=why)
            parent = {"parentRef": route["spec"]["parentRefs"][0], "controllerName": CONTROLLER}
            self.write(ROUTES, "httproutes", route, {"parents": [{**parent, "conditions": conditions}]})
        at = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
        for one in self.ingresses():
            self.write("/apis/networking.k8s.io/v1", "ingresses", one, at)

    def write(self, group: str, resource: str, one: dict[str, Any], status: dict[str, Any]) -> None:
        path = f"{group}/namespaces/{self.namespace}/{resource}/{one['metadata']['name']}/status"
        self.cluster.client().call("PATCH", path, {"status": status})


def said(one: dict[str, Any], **why: str) -> list[dict[str, Any]]:
    """Conditions: true, or false for a reason."""
    told = {"observedGeneration": one["metadata"]["generation"], "lastTransitionTime": TIME, "message": ""}
    return [
        {**told, "type": kind, "status": "False" if reason else "True", "reason": reason or kind}
        for kind, reason in why.items()
    ]


def nginx(rules: Iterable[Rule]) -> dict[str, Any]:
    """Its container."""

    def place(rule: Rule) -> str:
        return (
            f"location {rule.path} {{ "
            + (f"proxy_pass http://{rule.upstream};" if rule.upstream else f"return {rule.status};")
            + " }"
        )

    servers = [
        f"server {{ listen {PORT}; server_name {host}; {' '.join(place(r) for r in found)} }}"
        for host, found in by_host(rules).items()
    ]
    nobody = f"server {{ listen {PORT} default_server; return {NO_ROUTE}; }}"
    return running(WEB, NGINX % "\n".join([nobody, *servers]), "nginx -c /tmp/conf")


def haproxy(rules: Iterable[Rule]) -> dict[str, Any]:
    """Its container; the longest path comes first."""
    found = sorted(rules, key=lambda rule: -len(rule.path))
    uses, behind = [], [f"backend none\n  http-request return status {NO_ROUTE}"]
    for at, rule in enumerate(found):
        uses.append(f"  use_backend b{at} if {{ hdr(host) -i {rule.host} }} {{ path_beg {rule.path} }}")
        does = f"server one {rule.upstream}" if rule.upstream else f"http-request return status {rule.status}"
        behind.append(f"backend b{at}\n  {does}")
    front = "\n".join([f"frontend all\n  bind :{PORT}", *uses, "  default_backend none"])
    return running(WEB, HAPROXY % "\n".join([front, *behind]), "haproxy -f /tmp/conf")


def envoy(rules: Iterable[Rule]) -> dict[str, Any]:
    """Its container."""
    hosts, clusters = [], []
    for number, (host, found) in enumerate(by_host(rules).items()):
        routes = []
        for at, rule in enumerate(sorted(found, key=lambda one: -len(one.path))):
            name = f"c{number}-{at}"
            does = {"route": {"cluster": name}} if rule.upstream else {"direct_response": {"status": rule.status}}
            routes.append({"match": {"prefix": rule.path}, **does})
            clusters += [cluster_of(name, rule.upstream)] if rule.upstream else []
        hosts.append({"name": host, "domains": [host], "routes": routes})
    configuration = {"static_resources": {"listeners": [listener(hosts)], "clusters": clusters}}
    command = 'envoy --config-yaml "$(cat /tmp/conf)" --concurrency 1 -l warning'
    return running(ENVOY, json.dumps(configuration), command)


def listener(hosts: list[dict[str, Any]], port: int = PORT) -> dict[str, Any]:
    """What listens: HTTP for these hosts."""
    typed = "type.googleapis.com/envoy.extensions"
    log = {"@type": f"{typed}.access_loggers.stream.v3.StdoutAccessLog"}
    router = {"@type": f"{typed}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"type.googleapis.com/{MANAGER}",
        "stat_prefix": "all",
        "access_log": [{"name": "envoy.access_loggers.stdout", "typed_config": log}],
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": [chain],
    }


def cluster_of(name: str, upstream: str) -> dict[str, Any]:
    """Envoy's word for one upstream."""
    host, _, port = upstream.rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
    }


def by_host(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.host, []).append(rule)
    return found


PROXIES: dict[str, Callable[[Iterable[Rule]], dict[str, Any]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "envoy": envoy,
}
