"""From prompts in one language to training mixtures in many: sources, generation, translation, judging, mixing."""
