"""Reaching a cluster: kubeconfig, credentials, requests, streams.

Nothing heavy is imported here: `kubernetes` (some 230 ms) waits until `client.connect` is called.
"""
