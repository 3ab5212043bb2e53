"""Reaching a cluster: kubeconfig, credentials, requests, streams.

Nothing heavy is imported here: `urllib3` and `ssl` wait until `client.connect` is called.
"""
