"""What a synthesis run made, for people: a table, figures as JSON, and a page."""
