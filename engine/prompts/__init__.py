"""Prompts: reading files, finding fields, cleaning, ids."""
