"""Tests against a real cluster: the embedded one, one for each mode of kube-proxy."""

from __future__ import annotations

import pytest

# For a test that takes the fixture `cluster`: run it on both clusters.
every_proxy_mode = pytest.mark.parametrize("cluster", ["nftables", "iptables"], indirect=True)
