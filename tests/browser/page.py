"""One page in a headless Chromium, driven over its DevTools protocol on loopback."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import websocket

from .chromium import FLAGS, START_SECONDS, chromium

CALL_SECONDS = 60.0


class Page:
    """A page: what it asked for, and what its elements are like."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._numbers, self._session = socket, itertools.count(1), ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result; events that come meanwhile are kept."""
        number = next(self._numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(command | ({"sessionId": self._session} if self._session else {})))
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    def open(self, file: Path, *, width: int, dark: bool = False) -> None:
        """Load a file into a window of that width."""
        self.show(width=width, dark=dark)
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        end = time.monotonic() + CALL_SECONDS
        while self.value("document.readyState") != "complete" or "Page.loadEventFired" not in self._seen():
            assert time.monotonic() < end, "the page does not load"

    def show(self, *, width: int, dark: bool) -> None:
        """Change the window's width and the colours that the reader prefers."""
        mobile = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=mobile
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def value(self, expression: str) -> Any:
        """What an expression of ours is in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def requests(self) -> list[str]:
        """Every address that the page has asked for since it was opened."""
        sent = (e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent]

    def complaints(self) -> list[str]:
        """What the browser's console says: a violated policy, a script's error."""
        return [
            json.dumps(e["params"])
            for e in self.events
            if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        ]

    def picture(self, file: Path) -> None:
        """A screenshot of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def _seen(self) -> set[str]:
        return {str(event.get("method")) for event in self.events}


@contextlib.contextmanager
def browsing() -> Iterator[Page]:
    """A page of a browser of our own, which ends with the block."""
    found = chromium()
    with tempfile.TemporaryDirectory(prefix="refused-browser-", ignore_cleanup_errors=True) as home:
        environment = {**os.environ, **found.environment, "HOME": home, **_fonts(found.fonts, Path(home))}
        words = [found.program, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={home}/profile"]
        errors = Path(home, "errors")
        with errors.open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log, env=environment) as process:
            try:
                socket = websocket.create_connection(
                    _address(errors, process), timeout=CALL_SECONDS, suppress_origin=True
                )
                with contextlib.closing(socket):
                    yield Page(socket)
            finally:
                process.kill()


def _address(errors: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the browser listens; it says so when it does."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        said = errors.read_text(errors="replace")
        if found := re.search(r"DevTools listening on (ws://127\.0\.0\.1:\S+)", said):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the browser did not start: {errors.read_text(errors='replace')[-2000:]}")


def _fonts(folder: str, home: Path) -> dict[str, str]:
    """Settings for the unpacked fonts: a bare machine has none, and nothing that says where they are."""
    if not folder:
        return {}
    settings = home / "fonts.conf"
    place = f"<dir>{escape(folder)}</dir><cachedir>{escape(str(home / 'fonts'))}</cachedir>"
    settings.write_text(f"<?xml version='1.0'?><fontconfig>{place}</fontconfig>", encoding="utf-8")
    return {"FONTCONFIG_FILE": str(settings)}
