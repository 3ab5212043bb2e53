"""The pods' network: what a node's containerd is told to do with a fresh network namespace (CNI)."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from tests.cluster import debian
from tests.cluster.options import Layout, node_pod_range, node_pod_range_v6

VERSION = "0.4.0"
LAST_POD = 239
# `ptp` waits until no address is tentative any more, which duplicate address detection takes two
# seconds for: of a pod's start, two thirds. It is off only where both of these are 0 (addrconf.c,
# addrconf_dad_begin), and a fresh namespace knows nothing of the node's settings. `ptp` ignores
# the result of the plugin before it.
SKIP_DETECTION = f"""#!/bin/sh
set -e
case "$CNI_COMMAND" in
ADD)
    nsenter --net="$CNI_NETNS" sh -c 'for which in all default; do
        echo 0 > /proc/sys/net/ipv6/conf/$which/accept_dad
    done'
    echo '{{"cniVersion": "{VERSION}", "interfaces": [], "ips": []}}' ;;
VERSION)
    echo '{{"cniVersion": "{VERSION}", "supportedVersions": ["{VERSION}"]}}' ;;
esac
"""


def write(layout: Layout, number: int, *, networks: Path, plugins: Path) -> None:
    """Fill the two directories for node `number`: its network's configuration, and the programs named there."""
    networks.mkdir(exist_ok=True)
    plugins.mkdir(exist_ok=True)
    (networks / "10-kubectl-refused.conflist").write_text(json.dumps(configuration(layout, number)))
    for program in (debian.tools() / "usr" / "lib" / "cni").iterdir():
        (plugins / program.name).symlink_to(program)
    own = plugins / "skip-detection"
    own.write_text(SKIP_DETECTION)
    own.chmod(0o755)


def configuration(layout: Layout, number: int) -> dict[str, object]:
    """A routed link per pod, and host ports."""
    dual = layout.options.dual_stack
    # The last addresses go to no pod, however many there have been: tests dial them as nobody's.
    last = str(ipaddress.ip_network(node_pod_range(number))[LAST_POD])
    ranges = [[{"subnet": node_pod_range(number), "rangeEnd": last}]]
    ranges += [[{"subnet": node_pod_range_v6(number)}]] * dual
    ipam = {
        "type": "host-local",
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}] + [{"dst": "::/0"}] * dual,
        "dataDir": "/run/cni-addresses",
    }
    link = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    first = [{"type": "skip-detection"}] * dual
    return {"cniVersion": VERSION, "name": "kubectl-refused", "plugins": [*first, link, ports]}
