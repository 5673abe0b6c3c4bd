"""What an estimate found, for people and programs: JSON, terminal, HTML page, timeline and a layer's schedule."""

from .data import layer_rows, to_json
from .explain import explain, find_layer
from .page import render_page, write_page
from .shown import Estimate
from .terminal import print_estimate
from .trace import trace_events, write_trace

__all__ = [
    "Estimate",
    "explain",
    "find_layer",
    "layer_rows",
    "print_estimate",
    "render_page",
    "to_json",
    "trace_events",
    "write_page",
    "write_trace",
]
