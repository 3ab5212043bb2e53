"""The bench's copies of a cluster: names and addresses of the same length, and none comes twice."""

from __future__ import annotations

import ipaddress

from bench.multiplying import fresh_addresses, renamed

GIVEN = [b"10.96.0.1", *(b"10.%d.%d.%d" % (96 + n % 16, n % 250 + 1, n * 7 % 250 + 1) for n in range(400))]
RANGE = ipaddress.ip_network("10.96.0.0/12")


def test_addresses_of_copies_are_in_the_range_and_nobody_elses() -> None:
    found = fresh_addresses(GIVEN, 10)
    assert len(found) == 9 * len(GIVEN)
    assert len({*found.values(), *GIVEN}) == 10 * len(set(GIVEN))
    assert all(len(new) == len(old) for (old, _), new in found.items())
    assert all(ipaddress.ip_address(new.decode()) in RANGE for new in found.values())


def test_a_copy_has_names_and_addresses_of_its_own() -> None:
    addresses = {(b"10.96.7.8", 2): b"10.96.1.1"}
    text = b"team-003/web-00042-a1b2c 10.96.7.8 10.128.3.4 0f8fad5b-d9cb-469f-a165-70867728950e"
    copy = renamed(text, 2, 1000, addresses)
    assert copy == b"team-043/web-02042-a1b2c 10.96.1.1 10.130.3.4 0f8fad5b-d9cb-469f-a165-708677289510"
    assert len(copy) == len(text)
