"""From a mixture to a checkpoint: tokenise, pack, train with Ray Train and DeepSpeed."""
