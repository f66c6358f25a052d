"""Recipes (methods) and complete runs as YAML."""
