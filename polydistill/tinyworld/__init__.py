"""A small world that the project can make itself: facts, corpora and tiny models of the real architectures."""
