"""What the weights of a language model's checkpoint are, by their names in Hugging Face's model families."""

from __future__ import annotations

import re
from enum import Enum, auto


class Role(Enum):
    """What a two-dimensional weight does, in the order in which it does it in a block."""

    EMBEDDING = auto()
    ATTENTION_IN = auto()
    ATTENTION_OUT = auto()
    ROUTER = auto()
    FEED_FORWARD_IN = auto()
    FEED_FORWARD_OUT = auto()
    OTHER = auto()
    POOLED = auto()
    HEAD = auto()


#: The first expression that is found in a name says its role.
_ROLES = (
    (r"(^|\.)(lm_head|embed_out|output_projection)(\.|$)|cls\.predictions\.decoder", Role.HEAD),
    (r"(^|\.)(wte|wpe|embed_\w+|\w*embed(ding)?s?)(\.|$)|embeddings\.\w+_embeddings", Role.EMBEDDING),
    (r"(^|\.)(pooler|classifier|score|seq_relationship|pre_classifier)(\.|$)", Role.POOLED),
    (r"(q|k|v|qkv|query_key_value|c_attn|query|key|value|Wqkv|in_proj|q_lin|k_lin|v_lin)(_proj)?$", Role.ATTENTION_IN),
    (r"(self_attn|attn|attention)\.(o_proj|out_proj|c_proj|dense|out_lin|output\.dense)$", Role.ATTENTION_OUT),
    (r"(block_sparse_moe|mlp)\.gate$|router", Role.ROUTER),
    (r"(gate_proj|(gate_)?up_proj|fc1|fc_in|c_fc|w1|w3|lin1|h_to_4h|intermediate\.dense)$", Role.FEED_FORWARD_IN),
    (r"(down_proj|fc2|fc_out|c_proj|w2|lin2|4h_to_h|output\.dense)$", Role.FEED_FORWARD_OUT),
)
_COMPILED = tuple((re.compile(pattern), role) for pattern, role in _ROLES)
_BLOCK = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")
_EXPERT = re.compile(r"\.experts\.(\d+)\.")


def role(layer: str) -> Role:
    """The role of a layer, whose name comes without `.weight`."""
    return next((found for pattern, found in _COMPILED if pattern.search(layer)), Role.OTHER)


def block(layer: str) -> int | None:
    """The number of the block that a layer belongs to, None outside of the blocks."""
    match = _BLOCK.search(layer)
    return int(match[1]) if match else None


def expert(layer: str) -> int | None:
    """The number of the expert of a mixture that a layer belongs to, None for others."""
    match = _EXPERT.search(layer)
    return int(match[1]) if match else None


def running_order(layers: list[str]) -> list[str]:
    """Layers in the order in which they run: embeddings, blocks, then what is around the result."""

    def key(item: tuple[int, str]) -> tuple[int, int, int, int]:
        place, layer = item
        what, number = role(layer), block(layer)
        after = 2 if what in (Role.POOLED, Role.HEAD) else 1 if number is not None else 0
        return after, number if number is not None else 0, what.value, place

    return [layer for _, layer in sorted(enumerate(layers), key=key)]
