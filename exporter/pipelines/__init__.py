"""The kinds of test jobs: each makes a payload that was never used before and proves the answer.

What a pipeline's `order` says is made and then sent; what comes back, with the media that
`media_urls` names, goes to a `ProofPool` (`exporter.pipelines.proofs`), which also does the making.
"""

from typing import TYPE_CHECKING

from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    InvalidResponse,
    Kind,
    Media,
    Order,
    Pipeline,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.kinds import KINDS
from exporter.pipelines.tested import Tested
from exporter.pipelines.token_stream import TokenStream

if TYPE_CHECKING:
    from exporter.settings import Pipelines

__all__ = [
    "Answer",
    "Expectation",
    "InvalidArtefact",
    "InvalidResponse",
    "Kind",
    "Media",
    "Order",
    "Pipeline",
    "Prepared",
    "Request",
    "TokenStream",
    "Verdict",
    "registry",
]


def registry(settings: "Pipelines") -> dict[str, Pipeline]:
    """The pipelines that are tested, by their name in URI form."""
    return {
        name: Tested(kind, getattr(settings, name.replace("-", "_")))
        for name, kind in KINDS.items()
    }
