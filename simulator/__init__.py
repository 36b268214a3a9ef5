"""Running it: scheduler, journal, resume, fork, replay, labels, export."""
