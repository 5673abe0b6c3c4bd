"""The search for the mappings of a network's nodes, by the timing of their programs."""
