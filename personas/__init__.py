"""Who comes: persona cards, importers, sampling and coverage."""
