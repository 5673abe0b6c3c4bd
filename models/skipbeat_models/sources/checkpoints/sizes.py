"""What a `config.json` says on a language model's sizes, where the weights' names must say the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skipbeat_arch.errors import InputError

#: Model families whose attention looks both ways: they have no decoding.
ENCODERS = frozenset(
    {"albert", "bert", "camembert", "deberta", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta"}
)
#: Families whose layers store weights as [C, K].
_TRANSPOSED_FAMILIES = frozenset({"gpt2", "openai-gpt", "decision_transformer", "imagegpt"})
_WAY = "price it as module:function"
#: What cannot be read from the weights alone, by keys of a configuration.
_BEYOND = {
    "kv_lora_rank": "latent attention",
    "num_hidden_groups": "the use of shared blocks",
    "is_encoder_decoder": "an encoder with a decoder",
    "vision_config": "an encoder of images",
    "image_size": "a network for images",
    "patch_size": "a network for images",
    "num_mel_bins": "a network for sound",
    "state_size": "a state space",
    "ssm_cfg": "a state space",
    "mamba_d_state": "a state space",
    "attention_hidden_size": "a recurrence",
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the numbers of a configuration say.

    Attributes:
        groups: of heads that share keys and values.
        experts, active: of a mixture: how many there are, and how many each token uses; 1 and 1 for others.
        window: how many tokens attention looks at, at most; 0: all.
        encodes: whether attention looks both ways, so that there is no decoding.
    """

    family: str
    hidden: int
    heads: int
    head_size: int
    groups: int
    experts: int = 1
    active: int = 1
    tied: bool = False
    transposed: bool = False
    window: int = 0
    encodes: bool = False

    @property
    def decodes(self) -> bool:
        """Whether it makes one token after the other."""
        return not self.encodes

    @classmethod
    def read(cls, config: Mapping[str, object], what: str) -> Sizes:
        """The sizes of a `config.json`.

        Raises:
            InputError: a key is missing or is not a number in a sensible range.
        """
        inner = config.get("text_config")
        config = {**config, **inner} if isinstance(inner, dict) else config

        def size(*names: str, default: int | None = None) -> int:
            value = next((config[name] for name in names if config.get(name) is not None), default)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 32:
                raise InputError(f"{what}: expected {' or '.join(names)} as a positive number, not {value!r}")
            return value

        family = str(config.get("model_type", ""))
        hidden, heads = (
            size("hidden_size", "n_embd", "d_model", "dim"),
            size("num_attention_heads", "n_head", "n_heads"),
        )
        experts = size("num_local_experts", "num_experts", "n_routed_experts", default=1)
        groups = size("num_key_value_heads", "num_kv_heads", "n_head_kv", default=heads)
        if heads % groups:
            raise InputError(f"{what}: {heads} heads cannot share the keys and values of {groups}")
        return cls(
            family=family,
            hidden=hidden,
            heads=heads,
            head_size=size("head_dim", default=max(1, hidden // heads)),
            groups=groups,
            experts=experts,
            active=size("num_experts_per_tok", default=1) if experts > 1 else 1,
            tied=config.get("tie_word_embeddings", family in ("gpt2", "opt")) is True,
            transposed=family in _TRANSPOSED_FAMILIES,
            window=size("sliding_window", default=1 << 31) % (1 << 31),
            encodes=family in ENCODERS or _encodes(config),
        )


def _encodes(config: Mapping[str, object]) -> bool:
    """Whether the class that a configuration names is an encoder's."""
    named = config.get("architectures")
    return isinstance(named, list) and any(str(name).endswith(("ForMaskedLM", "EncoderModel")) for name in named)


def check_followed(config: Mapping[str, object], why: str, what: str) -> None:
    """That the work of a model follows from its weights' names at all.

    Args:
        why: there is no other way to read it.

    Raises:
        InputError: it has something that has no weight, or whose weights are used otherwise than once for each token.
    """
    inner = config.get("text_config")
    keys = {**config, **inner} if isinstance(inner, dict) else config
    found = next((said for key, said in _BEYOND.items() if keys.get(key)), None)
    if found is not None:
        raise InputError(f"model {what}: {found} does not follow from its weights alone, and {why}; {_WAY}")
