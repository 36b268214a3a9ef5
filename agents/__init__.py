"""Who speaks: one role a file with its prompt and its output record."""
