"""Which pattern each layer of a model is pruned to: one for all, or a YAML file that says it layer by layer.

```yaml
default: 2:4
layers:                    # shell-style globs of layer names; of several that match, the last one counts
  "layer1.*": {n: 1, m: 4}
  "layer4.*": block:0.25
  conv1: 2:4               # told so, even the first convolution is pruned
  fc: dense
method: magnitude
permute: false             # true: first the channels are permuted, so that N:M keeps more of the weights
```

Unless a glob names them, the first convolution and depthwise convolutions are left alone: their reduction axes are
short and their weights few, so pruning costs accuracy and saves little.

`masks.prune_mask` says what a pattern keeps of a weight; `synthetic.synthetic_mask` makes zeros where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from skipbeat_arch.arguments import expect
from skipbeat_arch.errors import InputError
from skipbeat_arch.files import read_text
from skipbeat_arch.model import LayerKind
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.yaml_file import first_error, parse_mapping

#: How the weights that stay are chosen; `skipbeat_models.pruners` has a module for each.
Method = Literal["magnitude", "constant-fan-in", "wanda", "random"]

_DENSE = Pattern("dense")
_CONVOLUTIONS = (LayerKind.CONVOLUTION, LayerKind.GROUPED, LayerKind.TRANSPOSED)
_PatternText = Annotated[Pattern, PlainValidator(Pattern.parse)]


class _SchemeFile(BaseModel):
    """What a scheme's file may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    default: _PatternText = _DENSE
    layers: dict[str, _PatternText] = Field(default_factory=dict)
    method: Method = "magnitude"
    permute: bool = False


@dataclass(frozen=True)
class Scheme:
    """Patterns of a model's layers.

    Attributes:
        default: of the layers that no glob matches, except the first convolution and depthwise ones.
        layers: globs of layer names with their patterns; the last one that matches a name counts.
        method: how the weights that stay are chosen.
        permute: whether the channels of tensors inside the network are permuted before, so that more is kept.

    Raises:
        InputError: `permute` with another method than magnitude, or without a pattern N:M.
    """

    default: Pattern
    layers: tuple[tuple[str, Pattern], ...] = ()
    method: Method = "magnitude"
    permute: bool = False

    def __post_init__(self) -> None:
        patterns = [self.default, *(pattern for _, pattern in self.layers)]
        if self.permute and (self.method != "magnitude" or all(pattern.kind != "nm" for pattern in patterns)):
            raise InputError(
                f"permuting channels: expected a pattern N:M by magnitude, not {self.default} by {self.method}"
            )

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """Read `2:4`, `unstructured:0.5`, `block:0.25`, `dense`, or the YAML file of that path (.yaml or .yml).

        Raises:
            InputError: not a pattern, or a file that cannot be read or does not hold a scheme.
        """
        if Path(text).suffix not in {".yaml", ".yml"}:
            return cls(Pattern.parse(text))
        data = parse_mapping(read_text(Path(text), f"scheme {text}"), f"scheme {text}")
        try:
            file = _SchemeFile.model_validate(data)
        except ValidationError as error:
            raise InputError(f"scheme {text}: {first_error(error)}") from None
        return cls(file.default, tuple(file.layers.items()), file.method, file.permute)

    @classmethod
    def of(cls, plan: Plan) -> Scheme:
        """The scheme that a plan stands for: a scheme, a pattern, or text as `parse` reads it.

        Raises:
            InputError: as for `parse`.
        """
        if isinstance(plan, str):
            return cls.parse(plan)
        expect("pattern", plan, (Pattern, Scheme), "text such as 2:4, a Pattern or a Scheme")
        return cls(plan) if isinstance(plan, Pattern) else plan

    @classmethod
    def everywhere(cls, pattern: Pattern) -> Scheme:
        """The pattern for every layer, the first convolution and depthwise ones too."""
        return cls(pattern, (("*", pattern),))

    def __str__(self) -> str:
        parts = [str(self.default)]
        parts += [f"{len(self.layers)} exception(s)"] if self.layers else []
        return ", ".join([*parts, "channels permuted"] if self.permute else parts)

    def to_json(self) -> dict[str, Any]:
        """What a scheme's file holds."""
        layers = {glob: str(pattern) for glob, pattern in self.layers}
        return {"default": str(self.default), "layers": layers, "method": self.method, "permute": self.permute}

    def pattern(self, name: str, kind: LayerKind, first: bool) -> Pattern | None:
        """The pattern that a layer is to be pruned to; None: it is left as it is.

        Args:
            first: whether it is the model's first convolution (of a model without convolutions, no layer is).
        """
        chosen = self._matching(name)
        if not chosen and (kind == LayerKind.DEPTHWISE or (first and kind in _CONVOLUTIONS)):
            return None
        pattern = chosen[-1] if chosen else self.default
        return None if pattern.kind == "dense" else pattern

    def names(self, layer: str) -> bool:
        """Whether a glob says what becomes of this layer."""
        return bool(self._matching(layer))

    def _matching(self, layer: str) -> list[Pattern]:
        return [pattern for glob, pattern in self.layers if fnmatchcase(layer, glob)]

    def permuted(self) -> Scheme:
        """The same with its channels permuted before.

        Raises:
            InputError: as for a scheme.
        """
        return replace(self, permute=True)

    def unused(self, names: Iterable[str]) -> tuple[str, ...]:
        """The globs that match none of a model's layers."""
        known = tuple(names)
        return tuple(glob for glob, _ in self.layers if not any(fnmatchcase(name, glob) for name in known))

    def check(self, names: Iterable[str]) -> None:
        """Complain if a glob matches none of a model's layers.

        Raises:
            InputError: it names the glob, and some layers that there are.
        """
        known = tuple(names)
        for glob in self.unused(known):
            some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
            raise InputError(f"scheme: no layer is called {glob!r}; expected a glob of {some or 'none'}")


#: What a caller may say: a scheme, a pattern for all layers but those left alone, or either as text.
Plan = Scheme | Pattern | str
