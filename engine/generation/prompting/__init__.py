"""From a conversation to token ids: templates, and what keeps a row's text data."""
