"""Credentials are obtained or the reason is named; nothing goes out anonymously, and no key stays behind."""

from __future__ import annotations

import base64
import json
import os
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.connection import kubeconfig
from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.client import connect
from kubectl_refused.connection.errors import BadConfiguration, Cancelled, ConnectionProblem, CredentialsProblem
from kubectl_refused.connection.exec_plugin import run_plugin
from kubectl_refused.connection.kubeconfig import resolve
from kubectl_refused.connection.options import ConnectionOptions
from tests.connection.fake_api import CERTIFICATES, Answer, FakeApi, Seen, serving, status


def _identity(**claims: object) -> str:
    """Return a token that says `claims`, unsigned: nobody here checks it."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims))
    return ".".join([*parts, "x"])


EXPIRED, VALID = _identity(exp=1), _identity(exp=4_000_000_000)
V1 = "client.authentication.k8s.io/v1"
AUTHORITY = str(CERTIFICATES / "ca.crt")


def _script(folder: Path, text: str) -> str:
    file = folder / "plugin"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def _answering(folder: Path, status_: dict[str, str], version: str = V1) -> str:
    answer = folder / "answer.json"
    answer.write_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status_}))
    return _script(folder, f"cat {answer}")


def _options(folder: Path, fake: FakeApi, user: dict[str, Any]) -> ConnectionOptions:
    """Write a kubeconfig with one user and return the options that choose it."""
    cluster = {"server": fake.address, "certificate-authority": AUTHORITY}
    document = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    (folder / "config").write_text(json.dumps(document))
    return ConnectionOptions(kubeconfig=str(folder / "config"))


def _plugin(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": command, "interactiveMode": "Never", **more}}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (None, r"no-such-plugin cannot be run: No such file or directory; brew install it"),
        ("echo 'session expired' >&2; exit 3", r"failed with exit code 3: session expired; log in again"),
        ("echo not json", r"printed no ExecCredential"),
        ('echo \'{"apiVersion": "client.authentication.k8s.io/v1"}\'', r"printed no ExecCredential"),
        (
            'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "status": {}}\'',
            r"no token and no certificate",
        ),
        ('echo \'{"apiVersion": "v9", "status": {"token": "t"}}\'', r"answers in apiVersion v9"),
    ],
)
def test_a_failing_plugin_is_named_and_nothing_is_sent(tmp_path: Path, script: str | None, text: str) -> None:
    command = _script(tmp_path, script) if script else "no-such-plugin"
    with serving(lambda _: Answer(), tls=True) as fake:
        options = _options(tmp_path, fake, _plugin(command, installHint="brew\x1b install it"))
        with pytest.raises(CredentialsProblem, match=text) as caught:
            connect(options)
    assert Path(command).name in caught.value.message
    assert fake.seen == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"interactiveMode": None}, "no valid interactiveMode"),
        (
            {"apiVersion": "client.authentication.k8s.io/v1alpha1"},
            "has apiVersion client.authentication.k8s.io/v1alpha1",
        ),
        ({"command": ""}, "has no command"),
        ({"interactiveMode": "Always"}, "wants a terminal"),
    ],
)
def test_a_plugin_that_cannot_be_right_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], text: str
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setattr("sys.stdin", None)
    plugin = {**_plugin(_script(tmp_path, f"touch {ran}"))["exec"], **change}
    with pytest.raises(ConnectionProblem, match=text):
        run_plugin(plugin, {}, Cancel())
    assert not ran.exists()


def test_a_plugin_is_told_about_the_cluster(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f'echo "$KUBERNETES_EXEC_INFO" > {told}; echo "$COLOUR $1" >> {told}; cat {tmp_path}/answer.json'
    _answering(tmp_path, {"token": "lent"})
    more = {"provideClusterInfo": True, "env": [{"name": "COLOUR", "value": "blue"}], "args": ["first"]}
    plugin = _plugin(_script(tmp_path, script), **more)["exec"]
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}
    cluster = {"server": "https://c", "certificate-authority": AUTHORITY, "extensions": [extension]}
    assert run_plugin(plugin, cluster, Cancel()).token == "lent"
    info, rest = told.read_text().splitlines()
    spec = json.loads(info)["spec"]
    assert (spec["interactive"], spec["cluster"]["server"]) == (False, "https://c")
    assert spec["cluster"]["config"] == {"audience": "a"}
    assert spec["cluster"]["certificate-authority-data"]
    assert rest == "blue first"


def test_a_plugins_certificate_is_used(tmp_path: Path) -> None:
    pair = {
        "clientCertificateData": (CERTIFICATES / "client.crt").read_text(),
        "clientKeyData": (CERTIFICATES / "client.key").read_text(),
    }
    with serving(lambda _: Answer(), tls=True) as fake:
        connection = connect(_options(tmp_path, fake, _plugin(_answering(tmp_path, pair))))
        connection.get_bytes("/version")
        connection.close()
    assert fake.seen[0].client_name == "jane"


def test_cancel_ends_a_plugin_that_waits(tmp_path: Path) -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        run_plugin(_plugin(_script(tmp_path, "exec sleep 20"))["exec"], {}, cancel)
    assert time.monotonic() - start < 10


def test_cancel_ends_connecting(tmp_path: Path) -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.set).start()
    with serving(lambda _: Answer(), tls=True) as fake, pytest.raises(Cancelled):
        connect(_options(tmp_path, fake, _plugin(_script(tmp_path, "exec sleep 20"))), cancel)


def test_a_401_renews_the_credentials_once(tmp_path: Path) -> None:
    """The token file is rotated while we run, as in a pod."""
    token = tmp_path / "token"
    token.write_text("old\n")

    def answer(seen: Seen) -> Answer:
        if seen.header("Authorization") == ["Bearer new"]:
            return Answer(body={"ok": True})
        token.write_text("new\n")
        return status(401, "Unauthorized", "Unauthorized")

    with serving(answer, tls=True) as fake:
        connection = connect(_options(tmp_path, fake, {"tokenFile": "token"}))
        assert connection.get("/version") == {"ok": True}
        connection.close()
    assert [seen.header("Authorization") for seen in fake.seen] == [["Bearer old"], ["Bearer new"]]


@pytest.mark.parametrize(
    ("user", "kind", "text"),
    [
        ({}, CredentialsProblem, "user u has no credentials; log in"),
        ({"tokenFile": "gone"}, CredentialsProblem, r"token file .*/gone cannot be read: No such file"),
        ({"tokenFile": "empty"}, CredentialsProblem, "is empty"),
        (
            {"auth-provider": {"name": "gcp"}},
            CredentialsProblem,
            "gcp no longer exists; use gke-gcloud-auth-plugin",
        ),
        (
            {"auth-provider": {"name": "oidc", "config": {"id-token": "rubbish"}}},
            CredentialsProblem,
            "of u could not",
        ),
        ({"auth-provider": {"name": "oidc"}}, CredentialsProblem, "of u could not be obtained"),
        (
            {"auth-provider": {"name": "oidc", "config": {"id-token": EXPIRED}}},
            CredentialsProblem,
            "of u could not be obtained; log in",
        ),
        ({"token": "s3cret\nX-Evil: 1"}, CredentialsProblem, "token of u has characters that no header"),
        ({"token": "s3cret…"}, CredentialsProblem, "token of u has characters that no header"),
        ({"client-certificate": AUTHORITY}, BadConfiguration, "no key"),
        ({"client-certificate": "gone", "client-key": "gone"}, BadConfiguration, "cannot be read"),
        ({"client-certificate": AUTHORITY, "client-key": AUTHORITY}, CredentialsProblem, "cannot be used"),
        (
            {"client-certificate-data": "%%%", "client-key-data": "%%%"},
            BadConfiguration,
            "client-certificate-data in the",
        ),
        ({"token": "t", "username": "u", "password": "p"}, BadConfiguration, "a token and a user name"),
        ({"token": "t", "as-groups": ["g"]}, BadConfiguration, "add --as USER"),
        (
            {"exec": {"command": "x"}, "auth-provider": {"name": "oidc"}},
            BadConfiguration,
            "both exec and auth-provider",
        ),
    ],
)
def test_each_missing_credential_is_named(
    tmp_path: Path, user: dict[str, Any], kind: type[ConnectionProblem], text: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    with serving(lambda _: Answer(), tls=True) as fake:
        with pytest.raises(kind, match=text) as caught:
            connect(_options(tmp_path, fake, user))
        assert "\n" not in caught.value.message
        assert "s3cret" not in caught.value.message
    assert fake.seen == []


def test_a_user_name_and_password_are_sent(tmp_path: Path) -> None:
    with serving(lambda _: Answer(), tls=True) as fake:
        connection = connect(_options(tmp_path, fake, {"username": "jörg", "password": "a:b"}))
        connection.get_bytes("/version")
        connection.close()
    kind, _, text = fake.seen[0].header("Authorization")[0].partition(" ")
    assert (kind, base64.b64decode(text).decode()) == ("Basic", "jörg:a:b")


@pytest.mark.parametrize("given", [VALID, EXPIRED])
def test_an_oidc_token_is_sent_and_an_expired_one_renewed(tmp_path: Path, given: str) -> None:
    def answer(seen: Seen) -> Answer:
        if seen.path == "/.well-known/openid-configuration":
            return Answer(body={"token_endpoint": f"{fake.address}/token"})
        if seen.path == "/token":
            return Answer(
                body={"id_token": VALID, "refresh_token": "next", "access_token": "a", "token_type": "b"}
            )
        return Answer()

    with serving(answer, tls=True) as fake:
        config = {"id-token": given, "refresh-token": "r", "client-id": "c", "client-secret": "s"}
        issuer = {"idp-issuer-url": fake.address, "idp-certificate-authority": AUTHORITY}
        user = {"auth-provider": {"name": "oidc", "config": {**config, **issuer}}}
        connection = connect(_options(tmp_path, fake, user))
        asked = [seen.path for seen in fake.seen]
        connection.get_bytes("/version")
        connection.close()
    assert asked == (["/.well-known/openid-configuration", "/token"] if given == EXPIRED else [])
    assert fake.seen[-1].header("Authorization") == [f"Bearer {VALID}"]


def test_no_private_key_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    options: dict[str, Any] = {
        "client_certificate": str(CERTIFICATES / "client.crt"),
        "client_key": str(CERTIFICATES / "client.key"),
    }
    with serving(lambda _: Answer(), tls=True) as fake:
        connection = connect(ConnectionOptions(server=fake.address, certificate_authority=AUTHORITY, **options))
        assert list(scratch.iterdir()) == []
        connection.get_bytes("/version")
        assert list(scratch.iterdir()) == []
        connection.close()


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    options = ConnectionOptions(server="https://127.0.0.1:1", token="s3cret", password="s3cret")
    connection = connect(ConnectionOptions(server="https://127.0.0.1:1", token="s3cret"))
    for thing in (options, connection.config, connection._credentials, connection):
        assert "s3cret" not in repr(thing)


def test_a_pod_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "mounted\n"), ("namespace", "shop"), ("ca.crt", Path(AUTHORITY).read_text())):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    with serving(lambda _: Answer(), tls=True) as fake:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", fake.address.rpartition(":")[2])
        connection = connect(ConnectionOptions(impersonate_user="jane"))
        connection.get_bytes("/version")
        connection.close()
    assert (connection.context_name, connection.namespace) == ("in-cluster", "shop")
    assert fake.seen[0].header("Authorization") == ["Bearer mounted"]
    assert fake.seen[0].header("Impersonate-User") == ["jane"]


def test_a_typed_file_beats_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("mounted")
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    environment = {**os.environ, "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    inside = resolve(ConnectionOptions(namespace="own"), environment)
    assert (inside.cluster["server"], inside.namespace) == ("https://10.0.0.1:443", "own")
    typed = resolve(ConnectionOptions(server="https://elsewhere", token="t"), environment)
    assert typed.cluster["server"] == "https://elsewhere"
