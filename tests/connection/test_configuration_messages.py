"""Every configuration mistake is one line that says what to type instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.connection.errors import (
    BadConfiguration,
    ConnectionProblem,
    Forbidden,
    NoConfiguration,
    one_line,
)
from kubectl_refused.connection.kubeconfig import resolve
from kubectl_refused.connection.options import ConnectionOptions, parse_timeout

CONTEXT = {"name": "dev", "context": {"cluster": "c", "user": "u"}}
CLUSTER = {"name": "c", "cluster": {"server": "https://c"}}
USER = {"name": "u", "user": {"token": "t"}}


def _resolve(tmp_path: Path, document: dict[str, Any] | str, **options: Any) -> None:
    file = tmp_path / "config"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    resolve(ConnectionOptions(**options), {"KUBECONFIG": str(file)})


@pytest.mark.parametrize(
    ("document", "options", "kind", "text"),
    [
        ({}, {}, NoConfiguration, "no cluster in .*config; type --kubeconfig FILE"),
        (
            {"contexts": [CONTEXT]},
            {},
            NoConfiguration,
            "no current context is set in .*type --context with one of: dev",
        ),
        (
            {"contexts": [CONTEXT]},
            {"context": "prod"},
            BadConfiguration,
            "context prod does not exist; .* one of: dev",
        ),
        (
            {"current-context": "gone"},
            {},
            BadConfiguration,
            "the current context gone is in none of the kubeconfigs",
        ),
        (
            {"contexts": [CONTEXT]},
            {"context": "dev"},
            BadConfiguration,
            "context dev names cluster c, which does not",
        ),
        (
            {"contexts": [CONTEXT], "clusters": [CLUSTER]},
            {"context": "dev"},
            BadConfiguration,
            "context dev names user u, which does not exist",
        ),
        (
            {"clusters": [CLUSTER]},
            {"cluster": "d"},
            BadConfiguration,
            r"--cluster names cluster d, .*exists \(c\)",
        ),
        (
            {"clusters": [{"name": "c", "cluster": {}}]},
            {"cluster": "c"},
            BadConfiguration,
            "cluster c has no server; add server: to it in the kubeconfig, or type --server",
        ),
        (
            {"contexts": [{"name": "x", "context": {}}]},
            {"context": "x"},
            BadConfiguration,
            "context x names no cluster",
        ),
        ("a: [\n", {}, BadConfiguration, "line 2 is not valid YAML"),
        ("current-context: 7\n", {}, BadConfiguration, "current-context is not text; put the value in quotes"),
        (
            {"clusters": [CLUSTER]},
            {"cluster": "c", "impersonate_extra": ("x",)},
            BadConfiguration,
            "type --as-user-extra",
        ),
    ],
)
def test_each_mistake_says_what_to_type(
    tmp_path: Path, document: Any, options: dict[str, Any], kind: type[ConnectionProblem], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        _resolve(tmp_path, document, **options)
    assert "\n" not in caught.value.message


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(
        NoConfiguration, match=r"no kubeconfig: .*/\.kube/config does not exist; type --kubeconfig"
    ):
        resolve(ConnectionOptions(), {"HOME": str(tmp_path)})


def test_a_server_from_the_old_variable() -> None:
    found = resolve(ConnectionOptions(), {"HOME": "/nonexistent", "KUBERNETES_MASTER": "http://m:8080"})
    assert found.cluster["server"] == "http://m:8080"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *((None, None), ("", None), ("0", None), ("0s", None)),
        *(("7", 7), ("1s", 1), ("2m", 120), ("3h", 10_800)),
        *(("1m30s", 90), ("1.5s", 1.5), ("250ms", 0.25)),
    ],
)
def test_durations_are_kubectls(text: str | None, seconds: float | None) -> None:
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["soon", "-1s", "1 s", "1d", "s", "٣"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(BadConfiguration, match="--request-timeout=30s"):
        parse_timeout(text)


def test_messages_are_one_clean_line() -> None:
    assert one_line("a\n\tb\x1b[31m\u202ec\x00\x9bd\ud800") == "a b [31m c d"
    assert len(one_line("x" * 5000)) == 600
    assert Forbidden("list", "pods", "shop", "m").message == (
        "may not list pods in namespace shop; check with: kubectl auth can-i list pods -n shop"
    )
