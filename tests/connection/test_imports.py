"""What each path imports: deterministic, where milliseconds are not."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.connection.fake_api import Answer, serving

LIST = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def _modules(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", f"{code}\n{LIST}"], capture_output=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_imports_nothing_heavy() -> None:
    every = "import kubectl_refused.connection\nfrom kubectl_refused.connection import options, errors, cancel"
    assert not _modules(every) & {"kubernetes", "urllib3", "yaml", "websocket", "msgspec", "ssl", "http.client"}


def test_the_client_waits_with_the_kubernetes_package() -> None:
    every = (
        "from kubectl_refused.connection import client, streams, exec, port_forward, logs, watch, kubeconfig\n"
        "kubeconfig.candidate_files(None, {})"
    )
    assert not _modules(every) & {"kubernetes", "urllib3", "websocket", "requests", "pydantic"}


def test_a_request_imports_no_generated_code() -> None:
    with serving(lambda _: Answer(body={"gitVersion": "v1"})) as fake:
        code = (
            "from kubectl_refused.connection.client import connect\n"
            "from kubectl_refused.connection.options import ConnectionOptions\n"
            f"connect(ConnectionOptions(server={fake.address!r})).server_version()"
        )
        loaded = _modules(code)
    assert "kubernetes.client.api_client" in loaded
    generated = ("kubernetes.client.models.", "kubernetes.client.api.", "docker", "rich", "typer")
    assert [name for name in loaded if name.startswith(generated)] == []
