"""The corpus lint: what would spoil preference training, found before a GPU is booked."""
