"""Hypotheses: translators and what protects a text on its way through them."""
