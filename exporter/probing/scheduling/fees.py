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
    if pipeline is None or offer.price_per_unit is None:
        return None
    units = pipeline.fee_units(offer.target.model)
    if units is None:
        return None
    fee = offer.price_per_unit * units
    return fee if math.isfinite(fee) and fee >= 0 else None
