"""Where objects are read from; one file per source, each yields Changes."""
