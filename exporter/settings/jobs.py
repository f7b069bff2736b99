"""The test jobs: their pace, their bounds, their parameters, and where they may go."""

from pydantic import Field

from exporter.settings.types import HostPort, Network, Seconds, Section


class Schedule(Section):
    """How often tests run, and how many at once."""

    interval: Seconds = Field(
        default=900.0, ge=1, description="Seconds from one cycle of an orchestrator to its next."
    )
    cold_interval: Seconds = Field(
        default=86400.0,
        ge=1,
        description="Least seconds between two tests of a model that is not warm.",
    )
    max_parallel: int = Field(default=32, ge=1, le=1000, description="Jobs in flight at most.")
    drain: Seconds = Field(
        default=20.0,
        le=600,
        description="At a stop, running jobs get so many seconds to end; then they are cancelled.",
    )


class Limits(Section):
    """Bounds of one job."""

    connect: Seconds = Field(default=5.0, description="Name look-up, connection and TLS, each.")
    upload: Seconds = Field(default=60.0, description="Until the request is acknowledged.")
    inference: Seconds = Field(default=180.0, description="Until the answer begins (stream: ends).")
    download: Seconds = Field(default=60.0, description="Until the answer and its media are here.")
    proof: Seconds = Field(default=20.0, description="Decoding and checking the answer.")
    response_bytes: int = Field(
        default=8 * 2**20, ge=1024, le=2**30, description="Largest answer accepted."
    )
    artefact_bytes: int = Field(
        default=64 * 2**20, ge=1024, le=2**30, description="Largest media file accepted."
    )


class TextToImage(Section):
    """The job for `text-to-image`."""

    width: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    height: int = Field(default=512, ge=64, le=4096, description="Pixels.")
    num_inference_steps: int = Field(default=4, ge=1, le=200, description="Denoising steps.")
    guidance_scale: float = Field(default=2.0, ge=0, le=50, description="Adherence to the prompt.")
    min_entropy: float = Field(
        default=1.5,
        ge=0,
        le=8,
        description="Bits; a picture whose grey histogram has less is taken for blank.",
    )


class Llm(Section):
    """The job for `llm`."""

    stream: bool = Field(default=True, description="Ask for a token stream.")
    max_tokens: int = Field(default=64, ge=16, le=4096, description="Tokens allowed in the answer.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="Sampling temperature.")


class Pipelines(Section):
    """Parameters of the test jobs, one section a pipeline that is tested."""

    text_to_image: TextToImage = Field(
        default=TextToImage(), alias="text-to-image", description="Pictures from a text."
    )
    llm: Llm = Field(default=Llm(), description="Answers of a language model.")


class Connectivity(Section):
    """How the tester knows that its own network works."""

    check: list[HostPort] = Field(
        default=[],
        max_length=10,
        description="HOST:PORT pairs that are up whenever the network is. When an orchestrator "
        "cannot be reached, one of them must be, or the network is blamed. Empty: the other "
        "orchestrators serve as the check.",
    )
    timeout: Seconds = Field(default=3.0, le=30, description="Limit on one connection.")


class Guard(Section):
    """Where the tester may connect on somebody else's word."""

    allow: list[Network] = Field(
        default=[],
        max_length=100,
        description="Addresses or networks that are exempt from the ban on private, loopback, "
        "link-local, multicast and metadata addresses.",
    )
