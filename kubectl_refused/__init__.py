"""kubectl refused: why a TCP connection does not work, who refused it, and the change that mends it."""

__version__ = "0.1.0"
