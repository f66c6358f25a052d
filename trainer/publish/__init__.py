"""What makes a trained folder usable elsewhere: its chat template, generation settings, model card, upload."""
