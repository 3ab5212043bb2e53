"""The cluster's certificates and kubeconfigs, made with openssl: EC keys, so it takes a second.

Names and groups follow https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import debian
from tests.cluster.options import (
    API_PORT,
    API_SERVICE_ADDRESS,
    BRIDGE_ADDRESS,
    Layout,
    node_address,
)
from tests.cluster.shell import run

DAYS = "3650"


@dataclass(frozen=True)
class Request:
    """One certificate: file name, subject, subject alternative names (`DNS:…`, `IP:…`)."""

    name: str
    common_name: str
    organization: str = ""
    alternatives: tuple[str, ...] = ()

    def subject(self) -> str:
        """The subject as openssl takes it."""
        return (f"/O={self.organization}" if self.organization else "") + f"/CN={self.common_name}"

    def extensions(self) -> str:
        """The text of an openssl extension file."""
        lines = ["basicConstraints=CA:FALSE", "extendedKeyUsage=serverAuth,clientAuth"]
        if self.alternatives:
            lines.append(f"subjectAltName={','.join(self.alternatives)}")
        return "\n".join(lines) + "\n"


def requests(layout: Layout) -> list[Request]:
    """Every certificate the cluster needs beside the authority's own."""
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names.append("kubernetes.default.svc.cluster.local")
    addresses = ["127.0.0.1", BRIDGE_ADDRESS, API_SERVICE_ADDRESS, layout.outer_address]
    server = tuple([f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses])
    everyone = [
        Request("apiserver", "kube-apiserver", alternatives=server),
        Request("apiserver-to-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Request("admin", "kubernetes-admin", "system:masters"),
        Request("harness", "kubectl-refused-harness", "system:masters"),
        Request("controller-manager", "system:kube-controller-manager"),
        Request("scheduler", "system:kube-scheduler"),
        Request("proxy", "system:kube-proxy"),
    ]
    for number, name in enumerate(layout.node_names, start=1):
        place = (f"DNS:{name}", f"IP:{node_address(number)}")
        everyone.append(Request(name, f"system:node:{name}", "system:nodes", place))
    return everyone


def make(layout: Layout) -> None:
    """Write all keys, certificates and kubeconfigs of the cluster."""
    layout.certificates.mkdir(parents=True, exist_ok=True)
    layout.kubeconfig("admin").parent.mkdir(parents=True, exist_ok=True)
    authority(layout)
    openssl(layout, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "service-accounts.key")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: sign(layout, one[1], serial=one[0]), enumerate(requests(layout), start=2)))
    write_kubeconfigs(layout)


def authority(layout: Layout) -> None:
    """The certificate authority that signs all others."""
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-keyout", "ca.key", "-out", "ca.crt", "-days", DAYS, "-subj", "/CN=kubectl-refused"]
    openssl(layout, *words)


def sign(layout: Layout, request: Request, *, serial: int) -> None:
    """Make one key and its certificate; serial numbers are given since parallel runs would share a file."""
    name = request.name
    (layout.certificates / f"{name}.ext").write_text(request.extensions())
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
    openssl(layout, "req", "-new", *key, "-out", f"{name}.csr", "-subj", request.subject())
    words = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", DAYS]
    openssl(layout, *words, "-set_serial", str(serial), "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def openssl(layout: Layout, *words: str) -> None:
    """Run openssl in the certificates' directory."""
    environment = {**debian.environment(), "OPENSSL_CONF": str(openssl_configuration(layout))}
    run(["openssl", *words], environment=environment, cwd=layout.certificates)


def openssl_configuration(layout: Layout) -> Path:
    """A minimal configuration: the machine may have no openssl, hence no /etc/ssl/openssl.cnf."""
    path = layout.certificates / "openssl.cnf"
    if not path.exists():
        text = "[req]\ndistinguished_name=name\nx509_extensions=ca\n[name]\n"
        path.write_text(text + "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n")
    return path


def write_kubeconfigs(layout: Layout) -> None:
    """One kubeconfig per client; the admin's reaches the API server from the host, the others from inside."""
    inside = f"https://{BRIDGE_ADDRESS}:{API_PORT}"
    for request in requests(layout):
        if request.name == "admin":
            write_kubeconfig(layout, "admin", f"https://{layout.outer_address}:{API_PORT}")
        elif not request.name.startswith("apiserver"):
            write_kubeconfig(layout, request.name, inside)


def write_kubeconfig(layout: Layout, who: str, server: str) -> None:
    """Write one kubeconfig with everything embedded, so that it can be copied (JSON is YAML)."""
    name = layout.options.name
    cluster = {"server": server, "certificate-authority-data": encoded(layout, "ca.crt")}
    user = {
        "client-certificate-data": encoded(layout, f"{who}.crt"),
        "client-key-data": encoded(layout, f"{who}.key"),
    }
    context = {"cluster": name, "user": f"{name}-{who}", "namespace": "default"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": context}],
        "users": [{"name": f"{name}-{who}", "user": user}],
    }
    path = layout.kubeconfig(who)
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=2) + "\n")


def encoded(layout: Layout, name: str) -> str:
    """A file of the certificates' directory in base64."""
    return base64.b64encode((layout.certificates / name).read_bytes()).decode()
