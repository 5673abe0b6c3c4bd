"""What the price of a training step found, for people and programs: JSON, terminal and HTML page."""

from .training_json import layer_rows, to_json
from .training_page import render_page, write_page
from .training_terminal import print_training

__all__ = ["layer_rows", "print_training", "render_page", "to_json", "write_page"]
