"""Small answers of a made-up network."""

from collections.abc import Mapping

A = "0x" + "aA" * 20
B = "0x" + "bB" * 20
NAMES = {"27": "Text to image", "33": "Llm", "41": "Dream to film", "-2": "Invalid"}
WARM = {"warm": True, "capacity": 2}


def entry(
    address: object = A,
    capabilities: Mapping[str, object] | None = None,
    **others: object,
) -> dict[str, object]:
    """One orchestrator; `capabilities` is {capability: {model: advert}}."""
    listed = {"27": {"some/model": WARM}} if capabilities is None else capabilities
    found: dict[str, object] = {
        "address": address,
        "local_address": "0x" + "cC" * 20,
        "orch_uri": "https://orch.example:8935",
        "capabilities": {
            "version": "1.2.3",
            "bitstring": [1],
            "constraints": {
                "minVersion": "1.0.0",
                "PerCapability": {key: {"models": models} for key, models in listed.items()},
            },
        },
        "capabilities_prices": None,
        "hardware": None,
    }
    return found | others


def network(*entries: object) -> dict[str, object]:
    return {"capabilities_names": NAMES, "orchestrators": list(entries)}
