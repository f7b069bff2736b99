from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

import msgspec

from exporter.pipelines.multipart import form_request

PICTURE = b"\x89PNG\r\n\x1a\n--not-a-boundary\r\n\x00\xff"


def test_a_form_holds_its_fields_and_its_file_byte_for_byte() -> None:
    request = form_request(
        "upscale",
        {"model_id": "maker/модель", "seed": 7, "strength": 0.5, "safety_check": False},
        ("image", "input.png", PICTURE, "image/png"),
    )
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + request.body)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.walk()}
    texts = {
        name: bytes(part.get_payload(decode=True)).decode()
        for name, part in parts.items()
        if name not in (None, "image")
    }
    assert texts == {
        "model_id": "maker/модель",
        "seed": "7",
        "strength": "0.5",
        "safety_check": "false",
    }
    image = parts["image"]
    assert (image.get_content_type(), image.get_filename()) == ("image/png", "input.png")
    assert PICTURE in request.body
    assert request.path == "/upscale"
    assert msgspec.json.decode(request.summary) == {
        "model_id": "maker/модель",
        "seed": 7,
        "strength": 0.5,
        "safety_check": False,
        "image": f"image/png, {len(PICTURE)} bytes",
    }
