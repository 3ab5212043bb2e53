"""What each path imports: deterministic, where milliseconds are not."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.connection.fake_api import CERTIFICATES, Answer, serving

HEAVY = {"kubernetes", "requests", "oauthlib", "pydantic", "websocket", "docker", "rich", "typer"}

LIST = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def _modules(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", f"{code}\n{LIST}"], capture_output=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_imports_nothing_heavy() -> None:
    every = "import kubectl_refused.connection\nfrom kubectl_refused.connection import options, errors, cancel"
    assert not _modules(every) & {"kubernetes", "urllib3", "yaml", "websocket", "msgspec", "ssl", "http.client"}


def test_the_client_waits_with_the_transport() -> None:
    every = (
        "from kubectl_refused.connection import client, streams, exec, port_forward, logs, watch, kubeconfig\n"
        "kubeconfig.candidate_files(None, {})"
    )
    assert not _modules(every) & {"kubernetes", "urllib3", "websocket", "requests", "pydantic"}


def test_a_request_needs_no_kubernetes_package() -> None:
    with serving(lambda _: Answer(body={"gitVersion": "v1"})) as fake:
        code = (
            "from kubectl_refused.connection.client import connect\n"
            "from kubectl_refused.connection.options import ConnectionOptions\n"
            f"connect(ConnectionOptions(server={fake.address!r})).server_version()"
        )
        loaded = _modules(code)
    assert "urllib3" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


@pytest.mark.parametrize(
    "user",
    [
        {"token": "t"},
        {"username": "u", "password": "p"},
        {"client-certificate": str(CERTIFICATES / "client.crt"), "client-key": str(CERTIFICATES / "client.key")},
    ],
)
def test_no_plain_credentials_need_it(user: dict[str, str], tmp_path: Path) -> None:
    loaded = _modules(_connecting(tmp_path, user))
    assert "ssl" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_a_legacy_auth_provider_does(tmp_path: Path) -> None:
    token = f"e30.{base64.urlsafe_b64encode(b'{}').decode().rstrip('=')}.x"
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": token}}}
    loaded = _modules(_connecting(tmp_path, user))
    assert "kubernetes.config.kube_config" in loaded
    # The generated API classes cost more than all the rest, and nobody needs them.
    generated = ("kubernetes.client.models.", "kubernetes.client.api.")
    assert [name for name in loaded if name.startswith(generated)] == []


def _connecting(folder: Path, user: dict[str, Any]) -> str:
    """Code that connects as `user` to an address where nobody is asked."""
    named = {"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}
    clusters = [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}]
    file = folder / "config"
    file.write_text(json.dumps({**named, "clusters": clusters, "users": [{"name": "u", "user": user}]}))
    return (
        "from kubectl_refused.connection.client import connect\n"
        "from kubectl_refused.connection.options import ConnectionOptions\n"
        f"connect(ConnectionOptions(kubeconfig={str(file)!r}))"
    )
