"""What a diagnosis read and saw, as a file: written by `record`, replayed by `--recording` without any cluster."""
