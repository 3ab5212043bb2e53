"""From the words a person typed to a Target."""
