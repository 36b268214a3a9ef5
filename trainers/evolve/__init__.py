"""The evolve loop: simulate, pair, train, evaluate, decide, and a ledger of all of it."""
