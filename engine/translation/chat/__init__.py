"""Language models as translators: how they are asked, and what they answer."""
