"""The command line: words to a frozen Request, and the run of it."""
