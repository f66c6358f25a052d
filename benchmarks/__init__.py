"""One file per claim of the performance table in the README."""
