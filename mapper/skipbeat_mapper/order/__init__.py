"""The order of instructions and their tokens, over columns of numbers and compiled."""
