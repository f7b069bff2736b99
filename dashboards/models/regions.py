"""The same from each region that tests from."""

from typing import Final

from dashboards.models.columns import OWN, inference, per_unit, success
from dashboards.panel import Panel, Row

_BY: Final = ("pipeline", "model_name", "region")

_TABLE: Final = Panel(
    title="From where?",
    description="For each model and each region that tests from: success and number of the jobs "
    "that count, median and 95th percentile of inference, and the median for a unit of work. "
    f"{OWN}",
    kind="table",
    unit="none",
    width=24,
    height=10,
    sort_by="Model",
    queries=(
        *success(_BY),
        inference(0.5, "p50", _BY),
        inference(0.95, "p95", _BY),
        per_unit(0.5, "p50 a unit", _BY),
    ),
)

ROW: Final = Row(title="By region of the tester", panels=(_TABLE,))
