"""Files of a language pair: which file of a folder is meant, and the pairs of texts in it."""
