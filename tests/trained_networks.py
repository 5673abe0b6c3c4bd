"""Networks of the zoo, trained once for all tests, whatever processes they run in."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from safetensors.torch import load_file, save_file

from skipbeat_arch.cache import content_key, kept_folder, source_fingerprint
from skipbeat_arch.workload import ReductionOrder
from skipbeat_models import zoo
from skipbeat_models.digits_data import load_data
from skipbeat_models.prepare import quantise_trained
from skipbeat_models.prepared import TrainedNetwork
from skipbeat_models.scheme import Plan, Scheme
from skipbeat_models.trained import Progress, Trained, silent, train_network


class TrainedNetworks:
    """Trains with seed 0, and keeps the weights in the cache; tests change only copies of what they get."""

    def __init__(self) -> None:
        self.prepared = cache(self._prepared)

    def trained(self, source: str, plan: Plan) -> Trained:
        """A float network, pruned."""
        scheme = Scheme.of(plan)

        def train(folder: Path) -> None:
            network = train_network(source, scheme)
            save_file(network.model.state_dict(), folder / "weights.safetensors")
            (folder / "accuracy.json").write_text(json.dumps([network.dense_accuracy, network.pruned_accuracy]))

        key = content_key(
            source_fingerprint("skipbeat_arch", "skipbeat_models"), version("torch"), source, repr(scheme)
        )
        folder = kept_folder("trained", key, train)
        model = zoo.find(source).build(0)
        model.load_state_dict(load_file(folder / "weights.safetensors"))
        dense, pruned = json.loads((folder / "accuracy.json").read_text())
        return Trained(model=model.eval(), data=load_data(), dense_accuracy=dense, pruned_accuracy=pruned, kept={})

    def instead(
        self,
        source: str,
        scheme: Scheme,
        seed: int = 0,
        *,
        order: ReductionOrder = "kh,kw,cin",
        progress: Progress = silent,
    ) -> Trained:
        """In place of `train_network`: what it trains with seed 0 and without more to do is what is kept."""
        if seed or order != "kh,kw,cin" or scheme.permute:
            return train_network(source, scheme, seed, order=order, progress=progress)
        return self.trained(source, scheme)

    def _prepared(self, source: str, plan: str) -> TrainedNetwork:
        """An int8 network."""
        return quantise_trained(self.trained(source, plan), source, Scheme.of(plan))
