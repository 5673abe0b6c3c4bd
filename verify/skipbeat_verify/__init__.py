"""What holds the levels against each other: co-simulation, regression, contradictory streams, random cases."""
