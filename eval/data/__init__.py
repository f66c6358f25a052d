"""Evaluation sets: files, languages, choices and answer spans."""
