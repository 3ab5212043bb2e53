"""From a Snapshot to Scenes, hop by hop; pure."""
