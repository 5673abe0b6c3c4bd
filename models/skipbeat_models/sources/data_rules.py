"""What a price is told of data that it does not have."""

from __future__ import annotations

from dataclasses import dataclass, field

from .layers.active_rows import ActiveRows
from .layers.attention import AttentionBlocks
from .layers.routing import Routing


@dataclass(frozen=True, kw_only=True)
class DataRules:
    """Rules for what depends on data.

    Attributes:
        routing: how the tokens of a mixture are spread over its experts.
        attention: which blocks of scores attention computes; None: all.
        active: which share of their rows layers of one token compute; None: all.
    """

    routing: Routing = field(default_factory=Routing)
    attention: AttentionBlocks | None = None
    active: ActiveRows | None = None

    @property
    def content(self) -> tuple[object, ...]:
        """All that they say, in plain values."""
        routing = self.routing
        blocks = None if self.attention is None else self.attention.content
        active = None if self.active is None else (self.active.name, tuple(self.active.shares.items()))
        return routing.name, routing.everywhere, tuple(routing.layers.items()), blocks, active

    @classmethod
    def read(cls, routing: str, attention: str | None, active: str | None = None) -> DataRules:
        """Rules by their words or files.

        Raises:
            InputError: one of them cannot be read, or is something else.
        """
        blocks = None if attention is None else AttentionBlocks.read(attention)
        rows = None if active is None else ActiveRows.read(active)
        return cls(routing=Routing.read(routing), attention=blocks, active=rows)
