"""Rows of any artifact, drawn at random and printed for people."""
