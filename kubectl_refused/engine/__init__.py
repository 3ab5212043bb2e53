"""A container engine by its API (Docker, or Podman's compatible socket): reading its objects, and what tells more.

`docker` takes 130 ms to import: it is loaded when such a target is asked about, and never else.
"""
