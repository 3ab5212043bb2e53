"""Pods of real proxies, and behind each a Service that refuses, one without endpoints, and one that is well.

A proxy's port says what is behind it: DEAD, NONE or WELL.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.proxy_images import ENVOY, WEB

from .witness_shop import pod, service, shell

DEAD, NONE, WELL = 8081, 8082, 8083
BEHIND = {DEAD: "dead", NONE: "none", WELL: "app"}
NGINX = """
daemon off; pid /tmp/nginx.pid; error_log /dev/stderr error;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c;
  uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
%s
}
"""
NGINX_SERVER = "  server { listen %d; location / { proxy_pass http://%s:80; } }"
HAPROXY = """
global
  log stderr format raw local0
defaults
  mode http
  log global
  option httplog
  retries 1
  timeout connect 2s
  timeout client 5s
  timeout server 5s
%s
"""
# `check` is what makes HAProxy mark a server down, and say 503 without dialling it.
HAPROXY_SERVER = """
frontend f%d
  bind :%d
  default_backend %s
backend %s
  server one %s:80 check inter 1s fall 2
"""
ENVOY_CONFIGURATION = """
static_resources:
  listeners:
%s
  clusters:
%s
"""
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ENVOY_LISTENER = """
  - address: {socket_address: {address: 0.0.0.0, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/%s
          stat_prefix: all
          access_log:
          - name: envoy.access_loggers.stdout
            typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}
          route_config:
            virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: %s}}]}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""
ENVOY_CLUSTER = """
  - name: %s
    type: STRICT_DNS
    connect_timeout: 2s
    load_assignment:
      cluster_name: %s
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: %s, port_value: 80}}}}]}]
"""


def nginx() -> str:
    """Its configuration."""
    return NGINX % "\n".join(NGINX_SERVER % (port, name) for port, name in BEHIND.items())


def haproxy() -> str:
    """Its configuration."""
    return HAPROXY % "".join(HAPROXY_SERVER % (port, port, name, name, name) for port, name in BEHIND.items())


def envoy(host: str = "%s") -> str:
    """Its configuration."""
    listeners = "".join(ENVOY_LISTENER % (port, MANAGER, name) for port, name in BEHIND.items())
    return ENVOY_CONFIGURATION % (listeners, "".join(ENVOY_CLUSTER % (n, n, host % n) for n in BEHIND.values()))


def running(image: str, configuration: str, command: str) -> dict[str, Any]:
    """A container that writes the configuration to /tmp/conf and runs the command."""
    script = f"cat > /tmp/conf <<'END'\n{configuration}\nEND\nexec {command}"
    return {**shell(script), "image": image, "imagePullPolicy": "IfNotPresent"}


PROXIES = {
    "nginx": running(WEB, nginx(), "nginx -c /tmp/conf"),
    "haproxy": running(WEB, haproxy(), "haproxy -f /tmp/conf"),
    "envoy": running(ENVOY, envoy(), 'envoy --config-yaml "$(cat /tmp/conf)" --concurrency 1 -l warning'),
}


def entrances(name: str) -> list[dict[str, Any]]:
    """The Services in front of a proxy: `nginx-dead`, `nginx-none`, `nginx-app`."""
    return [service(f"{name}-{behind}", {"app": name}, 80, port) for port, behind in BEHIND.items()]


OBJECTS: list[dict[str, Any]] = [
    service("app", {"app": "app"}, 80, 8080),
    service("dead", {"app": "app"}, 80, 9999),
    service("none", {"app": "nobody"}, 80, 8080),
    pod("app", shell("echo well > /tmp/index.html; exec httpd -f -h /tmp -p 8080")),
    *(pod(name, {**container, "name": name}) for name, container in PROXIES.items()),
    *(one for name in PROXIES for one in entrances(name)),
]
