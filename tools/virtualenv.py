"""Make `.venv`: pip, every package of requirements-dev.lock, and the project itself, editable.

Runs on the machine's own python3, standard library only, even where ensurepip is missing (a bare
Debian or Ubuntu): pip then comes from the distribution's python3-pip-whl, unpacked into the cache,
so that nothing is installed on the machine. `.venv/.made-from` holds the hash of what it was made
from; while that fits, a second run does nothing.

pip sees the caller's PIP_* variables and its configuration files: proxies, certificates, indexes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MARK = VENV / ".made-from"
LOCK = ROOT / "requirements-dev.lock"
LIMIT_SECONDS = 900.0
# A user's "install elsewhere" settings would make pip fill another directory than the venv.
NOT_FOR_A_VENV = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME")


class SetupError(Exception):
    """The venv cannot be made; the text says why, for a person."""


def main() -> int:
    """Make the venv unless it is already as the lock says. Returns the exit code."""
    try:
        return make()
    except SetupError as error:
        say(str(error))
        return 1


def make() -> int:
    """Bring the venv up to date; 0 when it is."""
    wanted = fingerprint()
    if MARK.exists() and MARK.read_text() == wanted and works():
        compile_package()
        return 0
    began = time.monotonic()
    say("making .venv (about 30 s, once)")
    if not works():
        # Left by another Python, or half made: nothing in it is worth keeping.
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "python3 -m venv")
    add_pip()
    say(f"installing the {count()} packages of {LOCK.name}")
    pip("install", "--require-hashes", "--requirement", str(LOCK))
    say("installing the project itself, editable")
    pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    compile_package()
    MARK.write_text(wanted)
    say(f"ready after {time.monotonic() - began:.0f} s")
    return 0


def fingerprint() -> str:
    """A hash of all the venv is made from, its own place included, for scripts in it hold that path."""
    hasher = hashlib.sha256(f"{VENV}\n{sys.version_info[:2]}\n".encode())
    for path in (LOCK, ROOT / "pyproject.toml"):
        hasher.update(path.read_bytes())
    return hasher.hexdigest()


def works() -> bool:
    """Whether the venv has a Python that starts and has the version of the one running this."""
    if not PYTHON.exists():
        return False
    program = "import sys; print(sys.version_info[:2])"
    done = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(sys.version_info[:2])


def count() -> int:
    """How many packages the lock names."""
    return sum("==" in line for line in LOCK.read_text().splitlines())


def add_pip() -> None:
    """Put pip into the venv, from ensurepip or from the distribution's wheel."""
    if subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0:
        return
    # Debian ships ensurepip apart from Python, in python3-venv.
    if importlib.util.find_spec("ensurepip"):
        run([str(PYTHON), "-m", "ensurepip", "--default-pip"], "ensurepip")
        return
    say("this Python has no ensurepip; taking pip from the package python3-pip-whl")
    wheel = distribution_pip()
    # A wheel is a zip that Python can import from: pip installs itself.
    run([str(PYTHON), f"{wheel}/pip", "install", "--no-index", str(wheel)], "pip's own wheel")


def distribution_pip() -> Path:
    """The pip wheel of Debian or Ubuntu, in the cache."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise SetupError("this Python has no ensurepip; install your system's python3-venv or python3-pip")
    # Imported late: seldom needed.
    from tests.cluster import cache, debian
    from tests.cluster.errors import ClusterError

    try:
        key = cache.digest(debian.release())
        folder = cache.once("pip", key, lambda fresh: debian.unpack(["python3-pip-whl"], into=fresh))
    except ClusterError as error:
        raise SetupError(f"cannot fetch python3-pip-whl: {error}") from error
    wheels = sorted(folder.glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise SetupError("python3-pip-whl holds no pip; install your system's python3-venv")
    return wheels[-1]


def pip(*words: str) -> None:
    """Run the venv's pip; it shows its own errors."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    run([str(PYTHON), "-m", "pip", words[0], *quiet, *words[1:]], f"pip {words[0]}")


def compile_package() -> None:
    """Leave the byte code of our modules beside them, as pip does for every package it installs.

    An editable install has none until somebody writes it. Under sudo, and where PYTHONDONTWRITEBYTECODE is set,
    nobody does: each start then compiles 160 modules, which takes 400 ms (`make bench` found it).
    """
    run([str(PYTHON), "-m", "compileall", "-q", "kubectl_refused"], "compileall")


def run(argv: list[str], what: str) -> None:
    """Run a step of the set-up to its end, its output shown."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_A_VENV}
    try:
        done = subprocess.run(argv, check=False, env=environment, cwd=ROOT, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise SetupError(f"{what} did not end within {LIMIT_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise SetupError(f"{what} failed (exit {done.returncode}); its own words are above")


def say(text: str) -> None:
    """One line of progress on stderr."""
    print(f"venv: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # The mark is written last: the next run mends what this one left.
        sys.exit(130)
