"""What every stage needs of a model: its identity and batches by token budget."""
