"""From a mixture to a checkpoint: tokenize, pack, train with Ray Train and DeepSpeed."""
