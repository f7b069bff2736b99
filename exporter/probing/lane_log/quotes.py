"""Texts that Go may have put into quotation marks."""


def unquoted(text: str) -> str:
    """The text without them; the same if it has none."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"')
    return text
