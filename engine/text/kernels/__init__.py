"""Compiled loops over the UTF-8 bytes of many texts."""
