"""The command lines of etcd, the API server, the controller manager and the scheduler.

They run in the outer namespace, from which every node and pod can be reached.
"""

from __future__ import annotations

from pathlib import Path

from tests.cluster import debian
from tests.cluster.gobuild import kubernetes
from tests.cluster.options import (
    API_PORT,
    BRIDGE_ADDRESS,
    POD_RANGE,
    POD_RANGE_V6,
    SERVICE_RANGE,
    SERVICE_RANGE_V6,
    Layout,
    both,
)
from tests.cluster.processes import Daemon

ETCD = "http://127.0.0.1:2379"


def daemon(layout: Layout, name: str, argv: list[str | Path]) -> Daemon:
    """A supervised program whose output goes to `logs/NAME.log`."""
    return Daemon(name, argv, log=layout.logs / f"{name}.log", environment=debian.environment())


def etcd(layout: Layout) -> Daemon:
    """The store. Without fsync: its data need not outlive the machine."""
    argv: list[str | Path] = ["etcd", "--data-dir", layout.state / "etcd", "--unsafe-no-fsync"]
    argv += ["--listen-client-urls", ETCD, "--advertise-client-urls", ETCD]
    argv += ["--listen-peer-urls", "http://127.0.0.1:2380", "--log-level", "warn"]
    return daemon(layout, "etcd", argv)


def apiserver(layout: Layout) -> Daemon:
    """The API server."""
    pki = layout.certificates
    keys = pki / "service-accounts.key"
    flags: dict[str, object] = {
        "etcd-servers": ETCD,
        "advertise-address": BRIDGE_ADDRESS,
        "secure-port": API_PORT,
        "service-cluster-ip-range": both(layout.options, SERVICE_RANGE, SERVICE_RANGE_V6),
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "client-ca-file": pki / "ca.crt",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "apiserver-to-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-to-kubelet.key",
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": keys,
        "service-account-signing-key-file": keys,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "profiling": "false",
        # No service proxy runs beside it: webhooks and APIServices are dialled at their Services' endpoints.
        "enable-aggregator-routing": "true",
        # The endpoint of the Service `kubernetes` is this one server, without leases to wait for.
        "endpoint-reconciler-type": "master-count",
    }
    return daemon(layout, "kube-apiserver", command("kube-apiserver", flags))


def controller_manager(layout: Layout) -> Daemon:
    """The controllers; nodes get their pod ranges from the harness, which knows which is whose."""
    config = layout.kubeconfig("controller-manager")
    flags: dict[str, object] = {
        **client_flags(config),
        "cluster-cidr": both(layout.options, POD_RANGE, POD_RANGE_V6),
        "allocate-node-cidrs": "false",
        "root-ca-file": layout.certificates / "ca.crt",
        "service-account-private-key-file": layout.certificates / "service-accounts.key",
        "cluster-signing-cert-file": layout.certificates / "ca.crt",
        "cluster-signing-key-file": layout.certificates / "ca.key",
        "use-service-account-credentials": "true",
        "flex-volume-plugin-dir": "/run/flex-volumes",
        "node-monitor-grace-period": "20s",
        # At the default of 20 requests a second the controllers take five seconds to start.
        "kube-api-qps": "500",
        "kube-api-burst": "1000",
    }
    return daemon(layout, "kube-controller-manager", command("kube-controller-manager", flags))


def scheduler(layout: Layout) -> Daemon:
    """The scheduler."""
    flags = client_flags(layout.kubeconfig("scheduler"))
    return daemon(layout, "kube-scheduler", command("kube-scheduler", flags))


def client_flags(config: Path) -> dict[str, object]:
    """What both clients share; one of each runs, so there is no leader to elect."""
    return {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
        "profiling": "false",
    }


def command(name: str, flags: dict[str, object]) -> list[str | Path]:
    """The command line of one Kubernetes program."""
    return [kubernetes(), name, *(f"--{flag}={value}" for flag, value in flags.items())]
