"""Scores and decisions: language identification, rules, quality estimation."""
