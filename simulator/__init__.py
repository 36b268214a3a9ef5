"""Running it: scheduler, journal, resume, replay, export."""
