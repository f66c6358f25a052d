"""What a folder holds, from its records and headers alone."""
