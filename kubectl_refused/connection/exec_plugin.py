"""Run a kubeconfig's exec credential plugin (gke-gcloud-auth-plugin, aws, kubelogin, …).

Written out rather than taken from the Python client, because that one logs a missing or failing plugin and
goes on anonymously, ignores interactiveMode and installHint, and cannot be interrupted. Protocol:
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubectl_refused.connection.cancel import LONGEST_NAP, Cancel
from kubectl_refused.connection.errors import BadConfiguration, CredentialsProblem, one_line

LONGEST_RUN = 120.0  # seconds: some plugins open a browser and wait for a person
LARGEST_ANSWER = 1 << 20
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_CLUSTER_FIELDS = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
)


@dataclass(frozen=True)
class ExecCredential:
    """What a plugin gave: a token, or a certificate with its key (PEM), or all three."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


def run_plugin(plugin: Mapping[str, Any], cluster: Mapping[str, Any], cancel: Cancel) -> ExecCredential:
    """Run the plugin and return its credential.

    Raises CredentialsProblem naming the plugin, never returns nothing.
    """
    command = str(plugin.get("command") or "")
    version = str(plugin.get("apiVersion") or "")
    if not command:
        raise BadConfiguration("the user's exec plugin has no command", "add command: to exec in the kubeconfig")
    if version not in _VERSIONS:
        known = " or ".join(_VERSIONS)
        raise BadConfiguration(f"exec plugin {command} has apiVersion {version or '(none)'}", f"use {known}")
    interactive = _interactive(plugin, command, version)
    environment = {**os.environ, **_extra_environment(plugin)}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(_exec_info(plugin, cluster, version, interactive=interactive))
    arguments = [command, *(str(argument) for argument in plugin.get("args") or ())]
    output = _run(arguments, environment, str(plugin.get("installHint") or ""), cancel, interactive=interactive)
    return _read_credential(output, command, version)


def _interactive(plugin: Mapping[str, Any], command: str, version: str) -> bool:
    """Return whether the plugin may talk to the person.

    V1 must say so itself; v1beta1 defaults to IfAvailable.
    """
    mode = plugin.get("interactiveMode") or ("IfAvailable" if version.endswith("v1beta1") else "")
    if mode not in ("Never", "IfAvailable", "Always"):
        raise BadConfiguration(
            f"exec plugin {command} has no valid interactiveMode", "add interactiveMode: IfAvailable"
        )
    possible = bool(sys.stdin and sys.stdin.isatty())
    if mode == "Always" and not possible:
        raise CredentialsProblem(f"exec plugin {command} wants a terminal to ask on", "run this from a terminal")
    return possible and mode != "Never"


def _extra_environment(plugin: Mapping[str, Any]) -> dict[str, str]:
    pairs = [pair for pair in plugin.get("env") or () if isinstance(pair, dict)]
    return {str(pair["name"]): str(pair.get("value") or "") for pair in pairs if pair.get("name")}


def _exec_info(
    plugin: Mapping[str, Any], cluster: Mapping[str, Any], version: str, *, interactive: bool
) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.get("provideClusterInfo"):
        info = {key: cluster[key] for key in _CLUSTER_FIELDS if key in cluster}
        if file := cluster.get("certificate-authority"):
            with open(file, "rb") as stream:
                info["certificate-authority-data"] = base64.b64encode(stream.read()).decode()
        for extension in cluster.get("extensions") or ():
            if extension.get("name") == "client.authentication.k8s.io/exec":
                info["config"] = extension.get("extension")
        spec["cluster"] = info
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


def _run(
    arguments: list[str], environment: dict[str, str], hint: str, cancel: Cancel, *, interactive: bool
) -> bytes:
    command = arguments[0]
    try:
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,
        )
    except OSError as error:
        says = f"the credential plugin {command} cannot be run: {error.strerror}"
        raise CredentialsProblem(says, one_line(hint) or f"install {command}, or type --token") from error
    stdout, stderr = _communicate(process, command, cancel)
    if process.returncode != 0:
        last = one_line(stderr.decode(errors="replace").strip().rpartition("\n")[2], limit=200)
        says = f"the credential plugin {command} failed with exit code {process.returncode}"
        raise CredentialsProblem(f"{says}: {last}" if last else says, "log in again, or run it by hand to see why")
    return stdout[:LARGEST_ANSWER]


def _communicate(process: subprocess.Popen[bytes], command: str, cancel: Cancel) -> tuple[bytes, bytes]:
    """Wait for the plugin in small steps, so that Ctrl-C and the time limit end it; kills only this process."""
    naps = int(LONGEST_RUN / LONGEST_NAP)
    for _ in range(naps):
        try:
            out, err = process.communicate(timeout=LONGEST_NAP)
            return out or b"", err or b""
        except subprocess.TimeoutExpired:
            if cancel.is_set:
                break
    process.kill()
    threading.Thread(
        target=process.communicate, daemon=True
    ).start()  # reap it; a grandchild may hold the pipe open
    cancel.check()
    raise CredentialsProblem(
        f"the credential plugin {command} did not end in {LONGEST_RUN:.0f} s", "run it by hand"
    )


def _read_credential(output: bytes, command: str, version: str) -> ExecCredential:
    try:
        answer = json.loads(output)
        status = answer["status"]
        credential = ExecCredential(
            token=str(status.get("token") or ""),
            certificate=str(status.get("clientCertificateData") or ""),
            key=str(status.get("clientKeyData") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        says = f"the credential plugin {command} printed no ExecCredential"
        raise CredentialsProblem(says, "run it by hand to see what it prints") from error
    if answer.get("apiVersion") != version:
        says = f"the credential plugin {command} answers in apiVersion {answer.get('apiVersion')}, not {version}"
        raise CredentialsProblem(says, "mend apiVersion in the kubeconfig")
    if not credential.token and not (credential.certificate and credential.key):
        raise CredentialsProblem(
            f"the credential plugin {command} gave no token and no certificate", "log in again"
        )
    return credential
