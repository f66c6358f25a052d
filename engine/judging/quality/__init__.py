"""Quality estimation with COMET checkpoints."""
