"""The ground: records, the strategy taxonomy, errors; no I/O."""
