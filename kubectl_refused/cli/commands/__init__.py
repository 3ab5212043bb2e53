"""One file per command; its COMMAND describes it. `diagnose` runs when no word names another one."""
