"""An image with one program and nothing else, as distroless ones are: no shell, no cat, nothing to exec."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

from tests.cluster import debian, images
from tests.cluster.api import Cluster

BARE = "localhost/bare:1"


def load_bare_image(cluster: Cluster, directory: Path) -> None:
    """Build the image in `directory` and import it on every node; again is harmless."""
    tools = debian.tools()
    found = (tools / "bin" / "busybox", tools / "usr" / "bin" / "busybox")
    busybox = next(path for path in found if path.exists())
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        images.base_files(tar)
        # By this name static busybox is its applet httpd alone.
        images.add_bytes(tar, "httpd", busybox.read_bytes(), mode=0o755)
    archive = directory / "bare.tar"
    images.write_archive(archive, BARE, layer.getvalue(), ["/httpd", "-f", "-p", "8080"])
    cluster.load(archive)


def bare_server(listens: str, name: str = "web", **more: Any) -> dict[str, Any]:
    """A container of that image whose server listens on `8080`, `127.0.0.1:8080` and the like."""
    command = ["/httpd", "-f", "-h", "/tmp", "-p", listens]
    return {"name": name, "image": BARE, "imagePullPolicy": "IfNotPresent", "command": command, **more}
