"""Where kubeconfigs are looked for: whoever only asks whether there is one loads nothing that reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kubectl_refused.connection.errors import BadConfiguration


def candidate_paths(explicit: str | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files to read, first wins. An `explicit` one must exist; raises BadConfiguration otherwise."""
    if explicit:
        if not os.path.exists(explicit):
            raise BadConfiguration(
                f"--kubeconfig {explicit} does not exist", "give the path of a kubeconfig, or leave the flag out"
            )
        return (explicit,)
    listed = environ.get("KUBECONFIG", "")
    if listed:
        return tuple(name for name in dict.fromkeys(listed.split(os.pathsep)) if name)
    home = environ.get("HOME") or os.path.expanduser("~")
    return (os.path.join(home, ".kube", "config"),)
