"""Answers: prompt templates and self-generation through vLLM."""
