"""The cycle model of the core: a twin of each module of the RTL, clock by clock, and the run of a program on it."""
