"""Run something as root, as the embedded cluster needs: as it is, or through sudo.

    python3 -m tools.privilege COMMAND [ARGUMENT ...]

Root's own cache and Go directories are used then, so that nothing root-owned appears in the
caller's home; settings about proxies, certificates, indexes and this project go with it.
Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PASSED_ON = ("PIP_", "UV_", "GO", "KUBECTL_REFUSED_", "SSL_CERT_", "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")
# sudo resets PATH, and a Go or Python outside /usr/bin would be missed.
PASSED_BY_NAME = ("PATH", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Go's own directories belong to the caller; root's build must not fill them with files of root's.
KEPT_BACK = ("GOPATH", "GOCACHE", "GOMODCACHE", "GOBIN", "GOENV")


def as_root() -> list[str]:
    """The words to put before a command so that it runs as root; none when already root."""
    if os.geteuid() == 0:
        return []
    names = [name for name in os.environ if name.startswith(PASSED_ON) or name in PASSED_BY_NAME]
    passed = [f"{name}={os.environ[name]}" for name in sorted(names) if name not in KEPT_BACK]
    # Nothing of root's may lie about in the caller's checkout.
    return ["sudo", "env", *passed, "PYTHONDONTWRITEBYTECODE=1"]


def can_be_root() -> bool:
    """Whether `as_root` will work; asks for sudo's password once if there is a terminal to ask on."""
    if os.geteuid() == 0:
        return True
    if not shutil.which("sudo"):
        return False
    flag = "--validate" if sys.stdin.isatty() else "--non-interactive"
    words = ["sudo", flag] if flag == "--validate" else ["sudo", flag, "true"]
    return subprocess.run(words, check=False).returncode == 0


def main(argv: list[str]) -> int:
    """Replace this process by the command, as root."""
    if not argv:
        print("usage: python3 -m tools.privilege COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    if not can_be_root():
        print("this needs root: the embedded cluster makes network namespaces and mounts", file=sys.stderr)
        return 1
    words = [*as_root(), *argv]
    return os.execvp(words[0], words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
