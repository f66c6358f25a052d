"""Pool to mixture: recipes, subsets, code-switching, parallel text, export."""
