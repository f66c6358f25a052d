"""Rules: over the texts, over stored scores, and over the task itself."""
