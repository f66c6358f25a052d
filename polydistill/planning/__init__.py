"""The whole bill of a run before it starts: synthesis, training, evaluation and what they add up to."""
