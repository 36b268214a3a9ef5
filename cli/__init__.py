"""The front door: one verb a file, nothing but options and printing."""
