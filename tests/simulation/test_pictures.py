import io

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from exporter.simulation.pictures import picture


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@settings(max_examples=20, deadline=None)
@given(
    prompt=st.text(max_size=50),
    seed=st.integers(0, 2**32),
    width=st.integers(64, 300),
    height=st.integers(64, 300),
)
def test_a_picture_has_the_size_asked_for_and_is_rich(
    prompt: str, seed: int, width: int, height: int
) -> None:
    data = picture(prompt, seed, width, height)
    image = opened(data)
    assert image.format == "PNG"
    assert image.size == (width, height)
    assert image.convert("L").entropy() > 4
    assert data == picture(prompt, seed, width, height)


def test_another_prompt_or_seed_gives_another_picture() -> None:
    pictures = {picture(prompt, seed, 64, 64) for prompt in ("a", "b") for seed in (1, 2)}
    assert len(pictures) == 4
