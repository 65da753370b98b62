"""One file for each plan: which runs an experiment consists of."""
