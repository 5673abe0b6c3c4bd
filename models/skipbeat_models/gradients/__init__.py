"""What a training step computes of a network: shapes of its products, and what is left to the host."""
