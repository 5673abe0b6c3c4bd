"""Twins of the components of sparse training."""
