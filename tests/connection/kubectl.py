"""Find a real kubectl to compare with, and run it on configuration questions only."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster import gobuild


@functools.cache
def kubectl() -> list[str]:
    """Return the command: KUBECTL_REFUSED_KUBECTL, else PATH, else the test cluster's own, built if need be."""
    named = os.environ.get("KUBECTL_REFUSED_KUBECTL") or shutil.which("kubectl")
    return [named] if named else [str(gobuild.kubernetes()), "kubectl"]


def ask(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Return kubectl's answer, None when it fails. Only `config` subcommands: they dial nobody."""
    assert arguments[0] == "config"
    keep = {key: os.environ[key] for key in ("PATH", "SystemRoot") if key in os.environ}
    done = subprocess.run(
        [*kubectl(), *arguments], env={**keep, **environment}, capture_output=True, timeout=30, check=False
    )
    return done.stdout.decode() if done.returncode == 0 else None


def minified(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[dict[str, Any], ...] | None:
    """Return (context, cluster, user) of `config view --raw --minify`, None when kubectl refuses."""
    answer = ask(["config", "view", "--raw", "--minify", "-o", "json", *arguments], environment)
    if answer is None:
        return None
    view = json.loads(answer)
    context = (view["contexts"] or [{"context": {}}])[0]["context"]
    clusters, users = view["clusters"] or [{"cluster": {}}], view["users"] or [{"user": {}}]
    return {"name": view["current-context"], **context}, clusters[0]["cluster"], users[0]["user"]
