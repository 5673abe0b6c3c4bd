"""What a model costs on the hardware: from any source to an estimate, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from skipbeat_arch.array_file import densities
from skipbeat_arch.effort import Effort
from skipbeat_arch.estimate import Estimate
from skipbeat_arch.hardware import Hardware
from skipbeat_arch.iso import IsoComparison, contender, dense_counterpart
from skipbeat_arch.model import ModelDescription
from skipbeat_arch.pattern import Pattern
from skipbeat_arch.provenance import source_of
from skipbeat_mapper.estimate import activation_bounds, check_layers, estimate_model, shared_prices
from skipbeat_models import zoo
from skipbeat_models.alone import output_on_standard_error
from skipbeat_models.kept_descriptions import KeptDescription
from skipbeat_models.scheme import Scheme
from skipbeat_models.sources.data_rules import DataRules
from skipbeat_models.sources.source_arguments import SourceArguments

from .progress import working
from .results import provenance

Progress = Callable[[str], None]


def estimate_source(
    source: str,
    hardware: Hardware,
    *,
    table: str | Path,
    scheme: Scheme | None = None,
    stated: Pattern | None = None,
    rules: DataRules | None = None,
    checkpoint: Path | None = None,
    tokens: int | None = None,
    batch: int | None = None,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    seed: int = 0,
    iso: bool = False,
    activations: Path | None = None,
    effort: Effort = Effort.NORMAL,
    progress: Progress,
) -> Estimate:
    """Read a model by the name of its source (see `load_source`) and price it.

    What the user's own code prints goes to standard error: standard output belongs to the report.

    Args:
        iso: compare with a dense machine of the same resources.
        activations: an .npz file with activations of layers by their names, for bounds on what their zeros would save.
        effort: of the search for mappings.

    Raises:
        InputError: the source cannot be read, a layer does not fit the hardware, or there is no such dense machine.
    """
    dense = dense_counterpart(hardware) if iso else None
    shares = {} if activations is None else densities(activations)
    entry = zoo.find(source) if source.startswith(zoo.PREFIX) and checkpoint is None else None
    arguments = SourceArguments(
        source=source,
        scheme=scheme,
        seed=seed,
        tokens=tokens,
        batch=batch,
        checkpoint=checkpoint,
        stated=stated,
        rules=rules,
        sizes=sizes,
    )
    description = _description(arguments, entry, progress)
    if entry is not None and entry.recipe is None and not entry.shapes_only:
        note = f"weights are drawn from the seed {seed} and not trained; cycles depend on their zeros alone"
        description = replace(description, notes=(*description.notes, note))
    check_layers(shares, (layer.name for layer in description.layers))
    if description.layers:
        progress(f"pricing {len(description.layers)} layers on {hardware.name}")
    with working("pricing"):
        found = estimate_model(description, hardware, table_name=table, kept=shared_prices(), effort=effort)
    made = provenance(seed=seed, hardware=hardware, scheme=scheme, source=source_of(source, description))
    found = replace(found, activations=activation_bounds(found, shares), provenance=made)
    if dense is None:
        return found
    progress(f"pricing {len(description.layers)} layers on {dense.name}")
    with working("pricing"):
        other = estimate_model(description, dense, table_name=table, kept=shared_prices(), effort=effort)
    comparison = IsoComparison(machine=contender(hardware, found.cycles), dense=contender(dense, other.cycles))
    return replace(found, iso=comparison)


def _description(arguments: SourceArguments, entry: zoo.ZooModel | None, progress: Progress) -> ModelDescription:
    """The model, from the cache or from its source."""
    kept = KeptDescription(arguments)
    found = kept.find()
    if found is None:
        if entry is not None and entry.recipe is not None:
            entry.check_tokens(arguments.tokens)
            progress(f"training {arguments.source} on the digits")
        from skipbeat_models.sources.load import read_source  # torch: a kept description does without

        with output_on_standard_error():
            found = read_source(arguments)
        kept.keep(found)
    return found
