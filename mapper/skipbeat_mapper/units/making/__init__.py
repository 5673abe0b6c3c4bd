"""The loop that makes the units of a program, which is compiled: from arrays of numbers to others."""
