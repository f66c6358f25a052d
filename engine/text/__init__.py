"""Pure functions on text: sentences, protected spans, words, profiles of characters."""
