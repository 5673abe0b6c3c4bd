"""Orders of channels before pruning: those in which N:M keeps the most of the weights."""
