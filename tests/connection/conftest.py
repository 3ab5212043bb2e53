"""Fixtures: a home without kubeconfigs, and a connection to a fake API server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.options import ConnectionOptions
from tests.connection.fake_api import CERTIFICATES, Answer, FakeApi, Seen, serving

Connecting = Callable[..., contextlib.AbstractContextManager[tuple[Connection, FakeApi]]]


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the machine's own kubeconfig, proxies and service account."""
    for name in ("KUBECONFIG", "KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def connecting() -> Connecting:
    """Return a context manager that serves `answer` and yields a connection to it; options as keywords."""

    @contextlib.contextmanager
    def run(
        answer: Callable[[Seen], Answer], *, tls: bool = False, **options: Any
    ) -> Iterator[tuple[Connection, FakeApi]]:
        with serving(answer, tls=tls) as fake:
            if tls:
                options.setdefault("certificate_authority", str(CERTIFICATES / "ca.crt"))
                if "client_key" not in options:
                    options.setdefault("token", "any")
            with contextlib.closing(connect(ConnectionOptions(server=fake.address, **options))) as connection:
                yield connection, fake

    return run
