"""A real Docker engine for tests, in namespaces of its own: Debian's packages, unpacked into the cache."""
