"""Tasks: what one process does at once, on a pool, on parallel text, or on rows in the target languages."""
