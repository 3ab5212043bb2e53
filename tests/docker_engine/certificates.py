"""Certificates of an engine's TCP port: an authority, the engine's own, a client's, and those of a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.cluster import debian
from tests.cluster.shell import run

_CONFIGURATION = """[req]
distinguished_name=name
x509_extensions=ca
[name]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=keyCertSign,cRLSign
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make(folder: Path, addresses: Iterable[str]) -> None:
    """Write `server`, `client` and `stranger`: folders of ca.pem, cert.pem and key.pem, as Docker has them."""
    alternatives = ",".join(f"IP:{address}" for address in addresses)
    authority(folder / "server")
    for name in ("client", "stranger"):
        (folder / name).mkdir()
    (folder / "client" / "ca.pem").write_bytes((folder / "server" / "ca.pem").read_bytes())
    authority(folder / "stranger")
    sign(folder / "server", folder / "server", f"extendedKeyUsage=serverAuth\nsubjectAltName={alternatives}")
    sign(folder / "client", folder / "server", "extendedKeyUsage=clientAuth")
    sign(folder / "stranger", folder / "stranger", "extendedKeyUsage=clientAuth")


def authority(folder: Path) -> None:
    """ca.pem and ca.key."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openssl.cnf").write_text(_CONFIGURATION)
    _openssl(
        folder, "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=engine"
    )


def sign(folder: Path, by: Path, extensions: str) -> None:
    """cert.pem and key.pem, signed by the authority in `by`."""
    (folder / "openssl.cnf").write_text(_CONFIGURATION)
    (folder / "more.ext").write_text(f"basicConstraints=CA:FALSE\n{extensions}\n")
    _openssl(
        folder, "req", "-new", *_KEY, "-keyout", "key.pem", "-out", "request.pem", "-subj", f"/CN={folder.name}"
    )
    signer = (
        "-CA",
        str(by / "ca.pem"),
        "-CAkey",
        str(by / "ca.key"),
        "-set_serial",
        str(hash(folder.name) % 10**6 + 2),
    )
    words = (
        "x509",
        "-req",
        "-in",
        "request.pem",
        *signer,
        "-days",
        "2",
        "-extfile",
        "more.ext",
        "-out",
        "cert.pem",
    )
    _openssl(folder, *words)


def _openssl(folder: Path, *words: str) -> None:
    environment = {**debian.environment(), "OPENSSL_CONF": str(folder / "openssl.cnf")}
    run(["openssl", *words], environment=environment, cwd=folder)
