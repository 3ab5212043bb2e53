"""Kubeconfigs are merged and overridden as the real kubectl does it: both are asked, answers compared."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.connection.kubeconfig import ResolvedConfig, resolve
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.connection.tls import pem_of
from tests.connection.fake_api import CERTIFICATES, Answer, FakeApi, serving
from tests.connection.kubectl import ask, kubectl, minified

FILES = ("a.yaml", "deep/b.yaml", "c.yaml")
PATHS = st.sampled_from(["ca.crt", "../ca.crt", "./deep/../ca.crt", "{root}/ca.crt", "deep/ca.crt"])
NAMES = st.sampled_from(["one", "two", "three", "with/slash", "42", "ünïcode"])


@st.composite
def kubeconfig(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Draw one file; servers and tokens name the file, so that a wrong winner is seen."""

    def some(make: Any) -> list[dict[str, Any]]:
        return [make(name) for name in draw(st.lists(NAMES, unique=True, max_size=4))]

    cluster_extras = st.fixed_dictionaries(
        {}, optional={"certificate-authority": PATHS, "tls-server-name": st.just("sni"), "extensions": st.just([])}
    )
    user_extras = st.fixed_dictionaries(
        {}, optional={"tokenFile": PATHS, "as": st.just("jane"), "as-uid": st.just("")}
    )
    contexts = st.fixed_dictionaries(
        {"cluster": NAMES, "user": NAMES}, optional={"namespace": st.sampled_from(["shop", "", "kube-system"])}
    )
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": draw(st.sampled_from(["", "one", "two", "gone"])),
        "clusters": some(
            lambda name: {"name": name, "cluster": {"server": f"https://{number}", **draw(cluster_extras)}}
        ),
        "users": some(lambda name: {"name": name, "user": {"token": f"token {number}", **draw(user_extras)}}),
        "contexts": some(lambda name: {"name": name, "context": draw(contexts)}),
    }


_counter = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_generated_files_resolve_as_in_kubectl(tmp_path: Path, data: st.DataObject) -> None:
    root = tmp_path / str(next(_counter))
    (root / "deep").mkdir(parents=True)
    for place in (root, root / "deep"):
        (place / "ca.crt").write_bytes((CERTIFICATES / "ca.crt").read_bytes())
    written = data.draw(st.lists(st.sampled_from(FILES), unique=True, min_size=1))
    for name in written:
        document = json.dumps(data.draw(kubeconfig(FILES.index(name))))
        (root / name).write_text(document.replace("{root}", str(root)))
    order = data.draw(st.permutations([*FILES, ""]))
    environment = {
        "HOME": str(root),
        "KUBECONFIG": os.pathsep.join(str(root / name) if name else "" for name in order),
    }
    arguments: list[str] = []
    options: dict[str, Any] = {}
    if context := data.draw(st.sampled_from(["", "one", "two", "three"])):
        arguments, options = [f"--context={context}"], {"context": context}
    if data.draw(st.booleans()):
        options["kubeconfig"] = str(root / data.draw(st.sampled_from(FILES)))
        arguments.append(f"--kubeconfig={options['kubeconfig']}")
    _compare(arguments, ConnectionOptions(**options), environment)


def _compare(arguments: list[str], options: ConnectionOptions, environment: dict[str, str]) -> None:
    theirs = minified(["--flatten", *arguments], environment)
    try:
        ours = resolve(options, environment)
    except ConnectionProblem as problem:
        # The one difference that is meant: a context that names a missing cluster or user is an error here,
        # while kubectl dials localhost:8080 or asks for a password.
        if theirs is not None and theirs[1] and theirs[2]:
            pytest.fail(problem.message)
        return
    assert theirs is not None
    _same(ours, *theirs)


def _same(ours: ResolvedConfig, context: dict[str, Any], cluster: dict[str, Any], user: dict[str, Any]) -> None:
    assert ours.context_name == context["name"]
    assert ours.namespace == (context.get("namespace") or "default")
    assert (ours.cluster_name, ours.user_name) == (context.get("cluster", ""), context.get("user", ""))
    for field in ("server", "tls-server-name"):
        assert ours.cluster.get(field) == cluster.get(field)
    assert pem_of(ours.cluster, "certificate-authority") == pem_of(cluster, "certificate-authority")
    for field in ("token", "as"):
        assert ours.user.get(field) == user.get(field)


CONTEXTS = "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
CLUSTERS = "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
USERS = "users: [{name: u, user: {token: t}}]\n"
HAND_WRITTEN = {
    "empty": "",
    "comment only": "# nothing\n",
    "nulls": "clusters: null\ncontexts: null\nusers: null\ncurrent-context: null\n",
    "no kind": CONTEXTS + CLUSTERS + USERS,
    "timestamp token": CONTEXTS + CLUSTERS + "users: [{name: u, user: {token: 2024-01-01}}]\n",
    "anchors": CONTEXTS.replace("{cluster", "&k {cluster").replace("]", ", {name: z, context: *k}]")
    + CLUSTERS
    + USERS,
    "unknown fields": "surprise: 1\n" + CONTEXTS + "clusters: [{name: c, cluster: {server: s, y: [1]}}]\n" + USERS,
    "number as a namespace": CONTEXTS.replace("user: u", "user: u, namespace: 7") + CLUSTERS + USERS,
    "twice the same name": CONTEXTS + CLUSTERS.replace("]", ", {name: c, cluster: {server: d}}]") + USERS,
    "clusters as a mapping": "clusters: {c: {server: 'https://c'}}\n",
    "broken": "clusters: [\n",
    "another kind": "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
    "another version": "apiVersion: v2\nkind: Config\n",
    "a list": "- 1\n",
    "binary": "\x00\x01",
    "text for a bool": CONTEXTS + CLUSTERS.replace("}}", ", insecure-skip-tls-verify: 'yes'}}") + USERS,
    "text for a list": CONTEXTS + CLUSTERS + USERS.replace("}}", ", as-groups: devs}}"),
    "list for a mapping": CONTEXTS + CLUSTERS + "users: [{name: u, user: []}]\n",
}


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_files_resolve_as_in_kubectl(tmp_path: Path, name: str) -> None:
    file = tmp_path / "config"
    file.write_text(HAND_WRITTEN[name])
    environment = {"HOME": str(tmp_path), "KUBECONFIG": str(file)}
    _compare([], ConnectionOptions(), environment)


def test_of_two_current_contexts_the_first_files_wins(tmp_path: Path) -> None:
    """Where the Python client takes the last file's, and so another cluster than kubectl."""
    for name in ("a", "b"):
        text = f"current-context: {name}\ncontexts: [{{name: {name}, context: {{cluster: c, user: u}}}}]\n"
        (tmp_path / name).write_text(text + CLUSTERS.replace("//c", f"//{name}") + USERS)
    environment = {"HOME": str(tmp_path), "KUBECONFIG": f"{tmp_path}/a{os.pathsep}{tmp_path}/b"}
    assert ask(["config", "current-context"], environment) == "a\n"
    ours = resolve(ConnectionOptions(), environment)
    assert (ours.context_name, ours.cluster["server"]) == ("a", "https://a")
    assert ours.source_files == (tmp_path / "a", tmp_path / "b")


def test_a_given_file_that_is_missing_is_refused_by_both(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    environment = {"HOME": str(tmp_path)}
    assert minified([f"--kubeconfig={gone}"], environment) is None
    with pytest.raises(ConnectionProblem, match="gone does not exist"):
        resolve(ConnectionOptions(kubeconfig=gone), environment)


FLAGS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "none": ([], {}),
    "context": (["--context=other"], {"context": "other"}),
    "cluster and user": (["--cluster=two", "--user=basic"], {"cluster": "two", "user": "basic"}),
    "token": (["--token=typed"], {"token": "typed"}),
    "token over a token file": (["--user=file", "--token=typed"], {"user": "file", "token": "typed"}),
    "token over an exec plugin": (["--user=plugin", "--token=typed"], {"user": "plugin", "token": "typed"}),
    "exec plugin by a relative path": (["--user=plugin"], {"user": "plugin"}),
    "token file": (["--user=file"], {"user": "file"}),
    "as": (["--as=bob", "--as-uid=9"], {"impersonate_user": "bob", "impersonate_uid": "9"}),
    "as with groups": (
        ["--as=bob", "--as-group=g1", "--as-group=g 2"],
        {"impersonate_user": "bob", "impersonate_groups": ("g1", "g 2")},
    ),
    "as from the file": (["--user=as"], {"user": "as"}),
    "as over the file's": (["--user=as", "--as=bob"], {"user": "as", "impersonate_user": "bob"}),
    "groups over the file's": (["--user=as", "--as-group=x"], {"user": "as", "impersonate_groups": ("x",)}),
    "group without as": (["--as-group=x"], {"impersonate_groups": ("x",)}),
    "basic": (
        ["--user=none", "--username=u", "--password=p:w"],
        {"user": "none", "username": "u", "password": "p:w"},
    ),
    "password beside a token": (["--username=u", "--password=p"], {"username": "u", "password": "p"}),
    "server": (["--server={address}", "--cluster=two"], {"server": "{address}", "cluster": "two"}),
    "server keeps the authority": (["--server={address}"], {"server": "{address}"}),
    "insecure over a wrong authority": (
        ["--cluster=untrusted", "--insecure-skip-tls-verify"],
        {"cluster": "untrusted", "insecure_skip_tls_verify": True},
    ),
    "untrusted": (["--cluster=untrusted"], {"cluster": "untrusted"}),
    "authority over a wrong one": (
        ["--cluster=untrusted", "--certificate-authority={ca}"],
        {"cluster": "untrusted", "certificate_authority": "{ca}"},
    ),
    "server name": (["--tls-server-name=api.test"], {"tls_server_name": "api.test"}),
    "wrong server name": (["--tls-server-name=no.test"], {"tls_server_name": "no.test"}),
    "client certificate": (
        ["--client-certificate={crt}", "--client-key={key}"],
        {"client_certificate": "{crt}", "client_key": "{key}"},
    ),
    "certificate from the file": (["--user=certificate"], {"user": "certificate"}),
    "missing context": (["--context=gone"], {"context": "gone"}),
    "missing cluster": (["--cluster=gone"], {"cluster": "gone"}),
    "missing user": (["--user=gone"], {"user": "gone"}),
    "bad time-out": (["--request-timeout=soon"], {"request_timeout": "soon"}),
    "time-out": (["--request-timeout=1m30s"], {"request_timeout": "1m30s"}),
}


@pytest.fixture(scope="module")
def same_server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Serve with TLS, and write two kubeconfigs that lead there in all the ways that FLAGS uses."""
    root = tmp_path_factory.mktemp("flags")
    (root / "bin").mkdir()
    plugin = root / "bin" / "plugin"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "lent"},
    }
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    plugin.chmod(0o755)
    (root / "token").write_text("from a file\n")
    with serving(lambda seen: Answer(body={"served": seen.path}), tls=True) as fake:
        clusters = {
            "one": {"server": fake.address, "certificate-authority": str(CERTIFICATES / "ca.crt")},
            "two": {
                "server": fake.address + "/prefix",
                "certificate-authority-data": _encoded(CERTIFICATES / "ca.crt"),
            },
            "untrusted": {"server": fake.address, "certificate-authority": str(CERTIFICATES / "other-ca.crt")},
        }
        users: dict[str, Any] = {
            "token": {"token": "from the kubeconfig"},
            "basic": {"username": "bert", "password": "secret"},
            "file": {"tokenFile": "token"},
            "none": {},
            "as": {
                "token": "t",
                "as": "jane",
                "as-groups": ["a", "b"],
                "as-user-extra": {"Example.com/x": ["1", "2"]},
            },
            "plugin": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "./bin/plugin",
                    "interactiveMode": "Never",
                }
            },
            "certificate": {
                "client-certificate-data": _encoded(CERTIFICATES / "client.crt"),
                "client-key": str(CERTIFICATES / "client.key"),
            },
        }
        contexts = {"first": {"cluster": "one", "user": "token"}, "other": {"cluster": "two", "user": "none"}}
        (root / "config").write_text(_kubeconfig(clusters, users, contexts))
        yield fake, {"HOME": str(root), "KUBECONFIG": str(root / "config")}


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _kubeconfig(clusters: dict[str, Any], users: dict[str, Any], contexts: dict[str, Any]) -> str:
    def named(entries: dict[str, Any], key: str) -> list[dict[str, Any]]:
        return [{"name": name, key: entry} for name, entry in entries.items()]

    document = {"clusters": named(clusters, "cluster"), "users": named(users, "user")}
    return json.dumps({**document, "contexts": named(contexts, "context"), "current-context": "first"})


@pytest.mark.parametrize("name", FLAGS)
def test_flags_reach_the_server_as_kubectls_do(
    same_server: tuple[FakeApi, dict[str, str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Have both send one request, and compare where it goes and who it says we are."""
    fake, environment = same_server
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    arguments, keywords = FLAGS[name]
    theirs = _ask_with_kubectl(fake, [_filled(argument, fake) for argument in arguments], environment)
    filled = {key: _filled(value, fake) if isinstance(value, str) else value for key, value in keywords.items()}
    assert _ask_with_ours(fake, filled) == theirs


def _filled(text: str, fake: FakeApi) -> str:
    values = {"{address}": fake.address, "{ca}": "ca.crt", "{crt}": "client.crt", "{key}": "client.key"}
    for mark, value in values.items():
        text = text.replace(mark, value if mark == "{address}" else str(CERTIFICATES / value))
    return text


def _ask_with_kubectl(fake: FakeApi, arguments: list[str], environment: dict[str, str]) -> list[object] | None:
    before = len(fake.seen)
    command = [*kubectl(), "get", "--raw", "/asked", *arguments]
    everything = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(command, env=everything, capture_output=True, timeout=30, check=False)
    return _identity(fake, before) if done.returncode == 0 else None


def _ask_with_ours(fake: FakeApi, keywords: dict[str, Any]) -> list[object] | None:
    before = len(fake.seen)
    try:
        connection = connect(ConnectionOptions(**keywords))
        connection.get_bytes("/asked")
        connection.close()
    except ConnectionProblem:
        return None
    return _identity(fake, before)


def _identity(fake: FakeApi, before: int) -> list[object]:
    """Return what matters of the request: where it went, and as whom.

    A vendor's kubectl may ask for the version first. `get --raw` drops a prefix of the server's path, so only
    the end of the path counts. Header names are compared in lower case, as HTTP does.
    """
    (seen,) = [seen for seen in fake.seen[before:] if seen.path.endswith("/asked")]
    telling = ("authorization", "impersonate")
    return [
        seen.client_name,
        sorted((key.lower(), value) for key, value in seen.headers if key.lower().startswith(telling)),
    ]
