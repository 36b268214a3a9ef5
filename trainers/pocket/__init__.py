"""The pocket model: a small Llama, made from scratch on what the embedded simulator says."""
