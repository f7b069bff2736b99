import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pipelines import InvalidResponse
from exporter.pipelines.data_url import decode_data_url, is_data_url


@given(st.binary(max_size=60))
def test_what_was_encoded_comes_back(content: bytes) -> None:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    assert is_data_url(url)
    assert decode_data_url(url, len(content)) == ("image/png", content)
    if content:
        with pytest.raises(InvalidResponse, match="larger"):
            decode_data_url(url, len(content) - 1)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("data:,hello", "form"),
        ("data:image/png,abc", "form"),
        ("data:image/png;charset=x;base64,YQ==", "form"),
        ("data:" + "a" * 500 + "/b;base64,YQ==", "form"),
        ("https://one.example/a.png", "form"),
        ("data:image/png;base64,YQ=", "not base64"),
        ("data:image/png;base64,Y Q==", "not base64"),
        ("data:image/png;base64,YQé=", "not base64"),
        ("data:image/png;base64," + "A" * 4000, "larger than 1000 bytes"),
    ],
)
def test_anything_else_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(InvalidResponse, match=complaint):
        decode_data_url(url, 1000)


@given(st.text(max_size=80))
def test_nothing_but_the_declared_error_comes_of_any_text(text: str) -> None:
    for url in (text, f"data:image/png;base64,{text}"):
        try:
            decode_data_url(url, 40)
        except InvalidResponse:
            continue
