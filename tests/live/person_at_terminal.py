"""The tool at a terminal of its own, with a person who waits for a text and types an answer."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 90.0
PIECE = 65536


class Session:
    """A run at a pseudo-terminal. `seen` is all that it wrote so far, both streams."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self.seen = ""

    def waits_for(self, text: str) -> str:
        """Read until the text is there; returns what came before it since the last wait."""
        start, deadline = len(self.seen), time.monotonic() + SECONDS
        while text not in self.seen[start:]:
            assert time.monotonic() < deadline, f"never came: {text}\n{self.seen}"
            assert self._read(), f"it ended without: {text}\n{self.seen}"
        return self.seen[start:]

    def types(self, text: str) -> None:
        """As if typed at the keyboard: \\x03 is Ctrl-C."""
        os.write(self._master, text.encode())

    def ends(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + SECONDS
        while self._read():
            assert time.monotonic() < deadline, f"it does not end\n{self.seen}"
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], SECONDS)[0]:
            return False
        try:
            piece = os.read(self._master, PIECE)
        except OSError:  # EIO: the other side is closed
            return False
        self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)


@contextlib.contextmanager
def at_terminal(kubeconfig: Path, *words: str, out: Path | None = None) -> Iterator[Session]:
    """Run the tool at a terminal, stdout into the file `out` if given; killed if it is still there at the end."""
    master, slave = pty.openpty()
    stdout = out.open("wb") if out else contextlib.nullcontext(slave)
    with stdout as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_refused", "--kubeconfig", str(kubeconfig), *words],
            stdin=slave,
            stdout=told,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_own_terminal,
            env={**os.environ, "KUBECONFIG": os.devnull, "NO_COLOR": "1", "TERM": "dumb"},
        )
    os.close(slave)
    try:
        yield Session(process, master)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
        os.close(master)


def _own_terminal() -> None:
    """Make standard input the controlling terminal, so that Ctrl-C there is a signal (tty_ioctl(4))."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
