"""From prompts in one language to training mixtures in many. The folders follow the data."""
