"""The report of an evaluation: JSON, Markdown and pictures."""
