"""Ranks, DeepSpeed, checkpoints and the exported model."""
