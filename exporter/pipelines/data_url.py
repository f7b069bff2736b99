"""Media inside the answer itself, as runners give it when they are spoken to directly.

A gateway never answers so: whether a `data:` URL is accepted is for the lane to decide.
"""

import base64
import binascii
import re

from exporter.pipelines.job import InvalidResponse

_HEAD = re.compile(r"data:([a-z]+/[a-z0-9.+-]{1,60});base64,", re.IGNORECASE)
_HEAD_LIMIT = 128


def is_data_url(url: str) -> bool:
    """Whether the URL carries its content itself."""
    return url[:5].lower() == "data:"


def decode_data_url(url: str, limit: int) -> tuple[str, bytes]:
    """Content type and bytes of a base64 `data:` URL.

    Raises `InvalidResponse` for any other form, for wrong base64, and for more than `limit` bytes.
    """
    head = _HEAD.match(url[:_HEAD_LIMIT])
    if head is None:
        raise InvalidResponse("a media URL of the form data:TYPE;base64,… was expected")
    payload = len(url) - head.end()
    if payload // 4 * 3 - 2 > limit:
        raise InvalidResponse(f"the media inside the answer is larger than {limit} bytes")
    try:
        content = base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidResponse(f"the media inside the answer is not base64: {error}") from None
    if len(content) > limit:
        raise InvalidResponse(f"the media inside the answer is larger than {limit} bytes")
    return head.group(1).lower(), content
