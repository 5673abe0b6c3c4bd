"""Weights from files of any pruning producer, under their plain names; nothing in a file is executed."""
