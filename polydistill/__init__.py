"""Make a language model good in many languages from what it already knows in one."""

__version__ = "0.1.0"
