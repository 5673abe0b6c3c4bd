"""Texts that are made from templates: Verilog, Tcl and make."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined

_ENVIRONMENT = Environment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
)


def render(template: str, **values: object) -> str:
    """The text of a file in `templates/` with these values in it.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    text = (resources.files(__package__) / "templates" / f"{template}.j2").read_text()
    return _ENVIRONMENT.from_string(text).render(values)
