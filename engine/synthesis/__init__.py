"""Prompts to pool on Ray: the stream, its actors, placement, isolation and report."""
