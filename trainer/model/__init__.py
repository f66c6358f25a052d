"""The model that trains on packs, its attention and its loss."""
