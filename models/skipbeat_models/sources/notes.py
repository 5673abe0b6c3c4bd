"""What a reader of the numbers has to know: a sentence each, with the layers that it concerns."""

from __future__ import annotations

_NAMED = 4


class Notes:
    """Collects sentences; those that concern several layers are said once."""

    def __init__(self) -> None:
        self._sentences: dict[str, list[str]] = {}

    def add(self, sentence: str) -> None:
        """A sentence on the model."""
        self._sentences.setdefault(sentence, [])

    def add_layer(self, sentence: str, layer: str) -> None:
        """A sentence on a layer, without its subject."""
        self._sentences.setdefault(sentence, []).append(layer)

    def texts(self) -> tuple[str, ...]:
        """The sentences in the order in which they were first said."""
        return tuple(_subject(layers) + sentence for sentence, layers in self._sentences.items())


def _subject(layers: list[str]) -> str:
    if not layers:
        return ""
    if len(layers) == 1:
        return f"layer {layers[0]}: "
    more = ", ..." if len(layers) > _NAMED else ""
    return f"{len(layers)} layers ({', '.join(layers[:_NAMED])}{more}): "
