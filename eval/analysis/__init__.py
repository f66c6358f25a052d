"""Similarity of languages, geometry of representations, allocation of budgets."""
