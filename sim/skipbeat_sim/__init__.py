"""The cycle model: a twin of each module of the RTL, clock by clock, and the runner of whole programs."""
