"""Mixtures and pools in the formats of other trainers."""
