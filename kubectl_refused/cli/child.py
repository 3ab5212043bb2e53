"""Run a command as if it had been typed: streams, signals and exit code are its own, and its output is read along.

Output goes through a pipe, or where ours is a terminal through a pseudo-terminal, so that the command finds one;
what it writes is passed on as it comes, byte for byte. Where both of our streams are one file, it has one too,
which keeps the order of what it writes. It stays in our process group: a terminal's Ctrl-C reaches it without us.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from kubectl_refused.errors import RefusedError, shown

PIECE = 65536
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # bash(1), EXIT STATUS
IDLE, LONGEST_IDLE = 0.5, 5.0  # seconds for output of what the command left running
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
_OF_TERMINALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)


class NotStarted(RefusedError):
    """The command could not be started; the exit code is the one a shell would give."""

    def __init__(self, command: str, code: int, why: str) -> None:
        super().__init__(f"{shown(command)} was not started: {why}")
        self.exit_code = code


class Child:
    """One command. `interrupted` tells that a signal asked it to end."""

    def __init__(self, command: Sequence[str], read_along: Callable[[bytes], None]) -> None:
        self._command, self._read_along = list(command), read_along
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._sizes: list[tuple[int, int]] = []
        self.interrupted = False

    def run(self) -> int:
        """Run it to its end and return its exit code, 128+n for one that a signal ended. Raises NotStarted."""
        with self._forwarding():
            channels, ends = self._open()
            try:
                self._start(ends)
            finally:
                for end in set(ends):
                    os.close(end)
            pump = threading.Thread(target=self._pump, args=(channels,), daemon=True, name="output")
            pump.start()
            code = self._ended()
            pump.join()
        return code if code >= 0 else 128 - code

    def _open(self) -> tuple[dict[int, int], tuple[int, int]]:
        """Our ends with the stream that each is passed on to, and the command's two ends."""
        one_file = False
        with contextlib.suppress(OSError):  # one of them is closed
            one_file = os.path.sameopenfile(1, 2)
        out, theirs = self._channel(1)
        if one_file:
            return {out: 1}, (theirs, theirs)
        errors, their_errors = self._channel(2)
        return {out: 1, errors: 2}, (theirs, their_errors)

    def _channel(self, stream: int) -> tuple[int, int]:
        if not os.isatty(stream):
            return os.pipe()
        import pty
        import tty

        ours, theirs = pty.openpty()
        tty.setraw(theirs)  # the real terminal does what is to be done to the bytes
        self._sizes.append((stream, ours))
        _copy_size(stream, ours)
        return ours, theirs

    def _start(self, ends: tuple[int, int]) -> None:
        name = self._command[0]
        try:
            self._process = subprocess.Popen(self._command, stdout=ends[0], stderr=ends[1])
        except FileNotFoundError:
            import shutil

            found = shutil.which(name)
            why = "its interpreter is missing" if found else "there is no such command"
            raise NotStarted(name, NOT_EXECUTABLE if found else NOT_FOUND, why) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise NotStarted(name, NOT_EXECUTABLE, why) from None
        for number in self._early:
            self._process.send_signal(number)

    def _ended(self) -> int:
        """Wait in pieces: a handler runs between them."""
        assert self._process is not None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(0.5)

    def _pump(self, channels: dict[int, int]) -> None:
        """Pass output on until it ends, or until what the command left behind is quiet."""
        assert self._process is not None
        ended: float | None = None
        with selectors.DefaultSelector() as selector:
            for ours in channels:
                selector.register(ours, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(IDLE)
                if self._process.poll() is not None:
                    ended = ended or time.monotonic()
                    if not ready or time.monotonic() - ended > LONGEST_IDLE:
                        break
                for key, _ in ready:
                    if not self._pass_on(key.fd, channels[key.fd]):
                        selector.unregister(key.fd)
                        os.close(key.fd)
            for key in list(selector.get_map().values()):
                os.close(key.fd)

    def _pass_on(self, ours: int, stream: int) -> bool:
        """Pass one piece on; whether there may be more. A reader who has left is one the command is to notice."""
        try:
            data = os.read(ours, PIECE)
            _write(stream, data)
        except OSError:  # EIO: nobody has the pseudo-terminal open; EPIPE: our reader has left
            return False
        if data:
            self._read_along(data)
        return bool(data)

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
        wanted = [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._forward) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        """Hand a signal on, unless the terminal has given it to all of its group."""
        if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            self.interrupted = True
        for stream, ours in self._sizes if number == signal.SIGWINCH else ():
            _copy_size(stream, ours)
        if self._process is None:
            self._early.append(number)
        elif number == signal.SIGWINCH or not (number in _OF_TERMINALS and _in_foreground()):
            with contextlib.suppress(OSError):
                self._process.send_signal(number)


def _write(stream: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(stream, view) :]
        except BlockingIOError:  # a stream that somebody made non-blocking, as some shells' pipes are
            time.sleep(0.01)


def _in_foreground() -> bool:
    """Whether our process group is the terminal's: its Ctrl-C goes to every process of that."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _copy_size(stream: int, ours: int) -> None:
    """Give the pseudo-terminal the size of the real one."""
    import fcntl
    import termios

    with contextlib.suppress(OSError):
        size = fcntl.ioctl(stream, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(ours, termios.TIOCSWINSZ, size)
