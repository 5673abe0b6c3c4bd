"""Energy: the events of the timing model times the constants of a named, published table."""
