"""One file per output format; nobody else prints."""
