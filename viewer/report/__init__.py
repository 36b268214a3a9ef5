"""A run as one file to send."""
