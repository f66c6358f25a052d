"""Language identification: fastText models, their labels, and their files."""
