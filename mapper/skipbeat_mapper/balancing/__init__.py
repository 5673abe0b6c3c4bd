"""Balancing: in which order channels lie in memory, so that groups that share a tile are equally full."""
