"""What a job is expected to cost."""

import math
from collections.abc import Mapping

from exporter.model import Offer
from exporter.pipelines.job import Pipeline


def estimated_fee(offer: Offer, pipelines: Mapping[str, Pipeline]) -> float | None:
    """Wei that one job on the offer's target costs: discovered price times the units it is paid by.

    `None` where the price, or what the pipeline is paid by, is not known.
    """
    pipeline = pipelines.get(offer.target.pipeline)
    return None if pipeline is None else fee(offer, pipeline.fee_units(offer.target.model))


def fee(offer: Offer, units: float | None) -> float | None:
    """The same, for so many units of work."""
    if units is None or offer.price_per_unit is None:
        return None
    wei = offer.price_per_unit * units
    return wei if math.isfinite(wei) and wei >= 0 else None
