"""Figures as inline SVG that takes its colours and its font from the page, so that it follows light and dark.

matplotlib writes fixed colours, fixed ids and its own idea of text. Figures are therefore drawn with one fixed
colour per role and a token per name, and both are put in afterwards: a colour becomes a CSS variable, a token the
escaped name, which thus never meets matplotlib's mathematics parser or its list of known glyphs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

#: Colour that stands for a role while drawing -> CSS variable of the page.
_ROLES = {
    "ink": "#010101",
    "muted": "#020202",
    "rule": "#030303",
    "track": "#040404",
    "accent": "#050505",
    "dense": "#060606",
    "warm": "#070707",
    "alarm": "#080808",
    "quiet": "#090909",
    "limit": "#0a0a0a",
    "cool": "#0b0b0b",
    "violet": "#0c0c0c",
}


def role(name: str) -> str:
    """The colour to draw with for a role."""
    return _ROLES[name]


def token(index: int) -> str:
    """The text to draw in place of name `index`."""
    return f"@@{index}@@"


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's settings for figures that `to_svg` turns into markup."""
    import matplotlib

    settings: dict[RcKeyType, object] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "skipbeat",
        "text.parse_math": False,
        "font.size": 10,
        "axes.edgecolor": role("rule"),
        "axes.labelcolor": role("muted"),
        "xtick.color": role("rule"),
        "xtick.labelcolor": role("muted"),
        "ytick.labelcolor": role("ink"),
        "text.color": role("ink"),
        "grid.color": role("rule"),
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "axes.spines.left": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.bottom": False,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
    }
    with matplotlib.rc_context(settings):
        yield


def to_svg(
    figure: Figure, names: Sequence[str], prefix: str, description: str, tips: Mapping[str, int] | None = None
) -> Markup:
    """The figure as an `<svg>` element; `prefix` keeps its ids apart from those of other figures on the page.

    `tips` says which of the `names` appears when the pointer is on the artist with that gid.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    for gid, index in (tips or {}).items():
        group = f'<g id="{prefix}-{gid}">'
        text = text.replace(group, f"{group}<title>{token(index)}</title>")
    for name, colour in _ROLES.items():
        text = text.replace(colour, f"var(--{name})")
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"^<svg", f'<svg role="img" aria-label="{escape(description)}"', text)
    text = re.sub(r"\n\s*", "\n", text)
    return Markup(re.sub(r"@@(\d+)@@", lambda match: escape(names[int(match[1])]), text))
