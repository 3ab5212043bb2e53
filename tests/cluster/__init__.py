"""A real two-node Kubernetes cluster that needs no image registry, no Docker and no packages.

Everything of a cluster lives in its own PID, mount and network namespaces under one
supervisor process, so ending that process ends the cluster: `down` leaves nothing, even
after a killed `up`. Standard library only: `make demo` runs it before any venv exists.

Reading order: `api` (what callers use), `supervisor` (process 1 of a cluster), `network`,
`controlplane`, `node`, `dns`, `policy_*` (the NetworkPolicy enforcer); `debian`, `gobuild`
and `images` fill the cache.

cgroup v1 has been run for real; the cgroup v2 path is written but has not been tried.
"""
