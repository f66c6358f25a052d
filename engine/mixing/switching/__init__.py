"""Code-switching: bilingual word lists, and words of questions replaced by their translations."""
