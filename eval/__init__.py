"""From a checkpoint to numbers that a reviewer would trust: benchmarks, statistics, report."""
