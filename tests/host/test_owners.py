"""Whose a socket is: control groups and command lines as they are seen on machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.host.owners import container_of, forwards, unit_of

ID = "4f2a9c81d0b37e6f" * 4


@pytest.mark.parametrize(
    ("groups", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", "docker 4f2a9c81d0b3"),
        (f"12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n", "docker 4f2a9c81d0b3"),
        (f"0::/machine.slice/libpod-{ID}.scope/container\n", "podman 4f2a9c81d0b3"),
        (f"0::/kubepods.slice/kubepods-podab.slice/cri-containerd-{ID}.scope\n", "containerd 4f2a9c81d0b3"),
        (f"0::/kubepods/besteffort/podab12/{ID}\n", "pod 4f2a9c81d0b3"),
        (f"0::/kubepods.slice/crio-{ID}.scope\n", "cri-o 4f2a9c81d0b3"),
        ("0::/lxc.payload.web/init.scope\n", "lxc web"),
        ("0::/system.slice/docker.service\n", ""),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", ""),
        ("", ""),
    ],
)
def test_containers(groups: str, container: str) -> None:
    assert container_of(groups) == container


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        ("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n", "postgresql@15-main.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", "web.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", ""),
        (f"0::/system.slice/docker.service/docker/{ID}\n", ""),
    ],
)
def test_units(groups: str, unit: str) -> None:
    assert unit_of(groups) == unit


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("kubectl port-forward svc/web 8080:80", "svc/web 8080:80 by kubectl port-forward"),
        ("kubectl -n shop port-forward deploy/a 80", "deploy/a 80 -n shop by kubectl port-forward"),
        ("/usr/bin/kubectl port-forward --address 0.0.0.0 pod/a 1:2", "pod/a 1:2 by kubectl port-forward"),
        ("kubectl get pods", ""),
        (
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2"
            " -container-port 80",
            "172.17.0.2:80 by docker-proxy",
        ),
        ("ssh -N -L 5432:db:5432 bastion", "5432:db:5432 by ssh"),
        ("sshd -D", ""),
        ("rootlessport", "containers' networks by rootless port forwarding"),
    ],
)
def test_who_only_passes_on(command: str, where: str) -> None:
    assert forwards(command.split()) == where


@given(st.text(), st.lists(st.text()))
def test_hostile_text_tells_nothing_that_steers(groups: str, words: list[str]) -> None:
    told = container_of(groups) + unit_of(groups) + forwards(["kubectl", "port-forward", *words])
    assert "\x1b" not in told
    assert "\n" not in told
