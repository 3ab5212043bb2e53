"""One node: a process with namespaces of its own, which keeps containerd, kubelet and kube-proxy.

Not `ip netns exec`: that remounts /sys, hides /sys/fs/cgroup, and the kubelet dies with
"failed to find cgroup mounts". The node's own mount namespace lets every program use its
customary paths (/var/lib/kubelet, /run/containerd), two nodes and the machine side by side.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from tests.cluster import debian, network, pod_network
from tests.cluster.cache import cache_root
from tests.cluster.gobuild import kubernetes
from tests.cluster.images import archives
from tests.cluster.namespaces import enter, mount_bind, mount_fresh, overlay_works, private_mounts
from tests.cluster.options import (
    DNS_ADDRESS,
    POD_RANGE,
    POD_RANGE_V6,
    Layout,
    both,
    node_address,
    node_address_v6,
)
from tests.cluster.processes import Daemon
from tests.cluster.shell import run

SOCKET = "/run/containerd/containerd.sock"
SETTINGS = Path("/run/kubectl-refused")
START_LIMIT_SECONDS = 60.0
IMPORT = ("ctr", "-n", "k8s.io", "images", "import")


def main(layout: Layout, number: int) -> None:
    """Be the node's process: set the namespaces up, start the programs, import the images, then wait."""
    name = layout.node_names[number - 1]
    enter(network.NETNS_DIRECTORY / name)
    network.settings()
    private_mounts()
    own_directories(layout, name)
    write_settings(layout, number)
    start(layout, name, "containerd", ["containerd", "--config", SETTINGS / "containerd.toml"])
    await_path(Path(SOCKET))
    threading.Thread(target=import_images, args=(layout, name), daemon=True).start()
    await_path(layout.marks / "apiserver")
    start(layout, name, "kubelet", kubelet(layout, number))
    start(layout, name, "kube-proxy", [kubernetes(), "kube-proxy", f"--config={SETTINGS / 'kube-proxy.json'}"])
    (layout.marks / f"started-{name}").touch()
    while True:
        time.sleep(3600)


def own_directories(layout: Layout, name: str) -> None:
    """Put fresh directories over /run, /var/lib and /var/log, with the cache kept in reach.

    /var/lib and /var/log lie on disk: the kubelet's statistics know no file system in memory.
    """
    kept = keep_cache(Path("/run"))
    own = kept / layout.state.relative_to(cache_root()) / name
    for place in ("lib", "log"):
        (own / place).mkdir(parents=True, exist_ok=True)
        mount_bind(own / place, f"/var/{place}")
    show_cache(kept)
    for path in ("/run/containerd", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", SETTINGS):
        Path(path).mkdir(parents=True, exist_ok=True)


def keep_cache(over: Path) -> Path:
    """Mount a fresh /run that holds the named namespaces and the cache under a name of its own."""
    mount_bind(cache_root(), "/mnt")
    mount_fresh(str(over))
    kept = over / "kept-cache"
    kept.mkdir()
    run(["mount", "--move", "/mnt", kept])
    return kept


def show_cache(kept: Path) -> None:
    """Put the cache back where it was, if a fresh directory now hides it."""
    if not (cache_root() / "locks").exists():
        cache_root().mkdir(parents=True, exist_ok=True)
        mount_bind(kept, cache_root())


def write_settings(layout: Layout, number: int) -> None:
    """Write the configuration of every program of the node."""
    scratch = layout.state / layout.node_names[number - 1] / "overlay-trial"
    snapshotter = "overlayfs" if overlay_works(scratch) else "native"
    (SETTINGS / "containerd.toml").write_text(containerd_toml(snapshotter))
    pod_network.write(layout, number, networks=SETTINGS / "cni", plugins=SETTINGS / "cni-plugins")
    (SETTINGS / "resolv.conf").write_text("")
    (SETTINGS / "kubelet.json").write_text(json.dumps(kubelet_settings(layout, number)))
    (SETTINGS / "kube-proxy.json").write_text(json.dumps(proxy_settings(layout, number)))


def containerd_toml(snapshotter: str) -> str:
    """Containerd's configuration.

    `restrict_oom_score_adj`: without CAP_SYS_RESOURCE runc may not lower it, and fails with
    "can't get final child's PID from pipe: EOF".
    """
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{SETTINGS / "cni-plugins"}"
    conf_dir = "{SETTINGS / "cni"}"
"""


def kubelet(layout: Layout, number: int) -> list[str | Path]:
    """The kubelet's command line."""
    name = layout.node_names[number - 1]
    return [
        kubernetes(),
        "kubelet",
        f"--config={SETTINGS / 'kubelet.json'}",
        f"--kubeconfig={layout.kubeconfig(name)}",
        f"--hostname-override={name}",
        f"--node-ip={both(layout.options, node_address(number), node_address_v6(number))}",
    ]


def kubelet_settings(layout: Layout, number: int) -> dict[str, object]:
    """The kubelet's configuration; it leaves the machine's cgroups, swap and settings as they are."""
    pki, name = layout.certificates, layout.node_names[number - 1]
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / f"{name}.crt"),
        "tlsPrivateKeyFile": str(pki / f"{name}.key"),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(SETTINGS / "resolv.conf"),
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        # Without cgroups per QoS the kubelet of 1.34 dereferences nil when it looks at a pod for a resize
        # (pkg/kubelet/kuberuntime/kuberuntime_manager.go, computePodResizeAction).
        "featureGates": {"InPlacePodVerticalScaling": False},
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "maxPods": 240,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "nodeStatusUpdateFrequency": "4s",
        "syncFrequency": "10s",
        # How much a volume holds is counted once a minute otherwise, and a pod that overflows one lives as long.
        "volumeStatsAggPeriod": "5s",
    }


def proxy_settings(layout: Layout, number: int) -> dict[str, object]:
    """Kube-proxy's configuration; `maxPerCore: 0` leaves the machine's connection tracking alone."""
    unchanged = {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("proxy"))},
        "mode": layout.options.proxy_mode,
        "clusterCIDR": both(layout.options, POD_RANGE, POD_RANGE_V6),
        "hostnameOverride": layout.node_names[number - 1],
        "conntrack": unchanged,
        "oomScoreAdj": 0,
        layout.options.proxy_mode: {"minSyncPeriod": "100ms"},
    }


def start(layout: Layout, node: str, program: str, argv: list[str | Path]) -> None:
    """Keep one of the node's programs running."""
    # Temporary mounts of containerd must not lie in the machine's /tmp.
    scratch = layout.state / node / "tmp"
    scratch.mkdir(exist_ok=True)
    environment = {**debian.environment(), "TMPDIR": str(scratch), "NODE_NAME": node}
    Daemon(program, argv, log=layout.logs / f"{node}-{program}.log", environment=environment).start()


def import_images(layout: Layout, name: str) -> None:
    """Load every built image into the node's containerd."""
    for archive in archives():
        run([*IMPORT, archive], environment=debian.environment(), timeout=START_LIMIT_SECONDS)
    (layout.marks / f"images-{name}").touch()


def await_path(path: Path) -> None:
    """Wait until the path exists; end the node's process if it does not come."""
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            os._exit(3)
        time.sleep(0.02)
