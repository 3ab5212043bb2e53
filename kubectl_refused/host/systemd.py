"""Services of systemd that do not run, by `systemctl show` and `journalctl`: recorded output in, Units out.

Properties: org.freedesktop.systemd1(5), systemd.exec(5), systemd.service(5). Everything is only read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.host import Unit, Units
from kubectl_refused.patterns import lazily
from kubectl_refused.text import mask, one_line

from .programs import output, program

PROPERTIES = (
    *("Id", "Description", "LoadState", "ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus"),
    *(
        "NRestarts",
        "UnitFileState",
        "StateChangeTimestamp",
        "InactiveEnterTimestamp",
        "InactiveExitTimestampMonotonic",
    ),
)
MOST_UNITS = 2000
MOST_LOOKED_INTO = 4  # units whose journal is read
MOST_LINES = 20
_RUNNING = "/run/systemd/system"  # sd_booted(3)
# Of servers whose unit is not called like what they serve (/etc/services, and how distributions name units).
SERVERS: dict[int, tuple[str, ...]] = {
    22: ("ssh", "sshd", "dropbear"),
    25: ("postfix", "exim4", "sendmail"),
    53: ("named", "bind9", "unbound", "dnsmasq", "systemd-resolved"),
    80: ("nginx", "apache2", "httpd", "caddy", "lighttpd", "haproxy", "traefik"),
    443: ("nginx", "apache2", "httpd", "caddy", "lighttpd", "haproxy", "traefik"),
    1883: ("mosquitto",),
    3000: ("grafana-server",),
    3306: ("mysql", "mysqld", "mariadb"),
    5432: ("postgresql",),
    5672: ("rabbitmq-server",),
    6379: ("redis", "redis-server", "valkey"),
    8080: ("tomcat", "tomcat9", "tomcat10", "jenkins"),
    9090: ("prometheus", "cockpit"),
    9092: ("kafka",),
    9200: ("elasticsearch", "opensearch"),
    11211: ("memcached",),
    27017: ("mongod", "mongodb"),
}
_ID = lazily(r"[A-Za-z0-9:_.@\\-]{1,200}\.service")


def read_units(port: int) -> Units | Gap:
    """The services that are down and have to do with the port, with the ends of their journals."""
    systemctl = program("systemctl") if os.path.isdir(_RUNNING) else ""
    if not systemctl:
        return Gap("services", "systemd does not run here")
    text, failed = output([systemctl, "show", "*.service", "--no-pager", f"--property={','.join(PROPERTIES)}"])
    if failed and not text:
        return Gap("services", f"systemctl failed: {one_line(failed, 120)}")
    looked = [replace(unit, lines=journal(unit.name)) for unit in candidates(parse_units(text), port)]
    return Units(tuple(looked))


def journal(name: str) -> tuple[str, ...]:
    """The last lines of a unit's journal since boot; none where it may not be read."""
    journalctl = program("journalctl")
    if not journalctl or not _ID.fullmatch(name):
        return ()
    words = [journalctl, "-u", name, "-b", "-n", str(MOST_LINES), "-o", "cat", "--no-pager", "-q"]
    return parse_journal(output(words)[0])


def parse_journal(text: str) -> tuple[str, ...]:
    """Cleaned lines, the last ones."""
    lines = [one_line(mask(line), 200) for line in text.splitlines()[-MOST_LINES:]]
    return tuple(line for line in lines if line)


def parse_units(text: str) -> tuple[Unit, ...]:
    """The Units of `systemctl show`: blocks of KEY=VALUE, blank lines between; what is no service is left out."""
    return tuple(unit for block in _blocks(text) if (unit := _unit(block)))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in text.split("\n\n", MOST_UNITS)[:MOST_UNITS]:
        pairs = (line.partition("=") for line in block.splitlines())
        yield {key: value for key, equals, value in pairs if equals}


def _unit(given: dict[str, str]) -> Unit | None:
    name = given.get("Id", "")
    if not _ID.fullmatch(name) or given.get("LoadState", "loaded") != "loaded":
        return None
    return Unit(
        name,
        description=one_line(given.get("Description", ""), 80),
        active=one_line(given.get("ActiveState", ""), 20),
        sub=one_line(given.get("SubState", ""), 20),
        result=one_line(given.get("Result", ""), 40),
        exit_code=_CODES.get(given.get("ExecMainCode", ""), ""),
        exit_status=_number(given.get("ExecMainStatus", "")),
        restarts=_number(given.get("NRestarts", "")),
        enabled=one_line(given.get("UnitFileState", ""), 20),
        since=one_line(given.get("StateChangeTimestamp", ""), 40),
        at_boot=0 < _number(given.get("InactiveExitTimestampMonotonic", "")) < BOOT,
    )


BOOT = 180_000_000  # microseconds after the kernel's start until which a service was started by the boot
_CODES = {"1": "exited", "2": "killed", "3": "dumped"}  # CLD_ of waitid(2), as systemd keeps them


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def candidates(units: Iterable[Unit], port: int) -> list[Unit]:
    """Down services: those whose name goes with the port, then failed ones, of which the journal may tell."""
    down = [unit for unit in units if unit.down]
    named = [unit for unit in down if serves(unit, port) and (unit.failed or unit.restarting or wanted(unit))]
    others = [unit for unit in down if (unit.failed or unit.restarting) and unit not in named]
    return [*(replace(unit, for_port=True) for unit in named), *others][:MOST_LOOKED_INTO]


def wanted(unit: Unit) -> bool:
    """Whether somebody wants it to start at boot, or it is there to be started."""
    return unit.enabled in ("enabled", "enabled-runtime", "disabled", "alias", "generated")


def serves(unit: Unit, port: int) -> bool:
    """Whether servers of that name listen on the port as a rule."""
    name = unit.name.removesuffix(".service").partition("@")[0]
    return name in SERVERS.get(port, ())
