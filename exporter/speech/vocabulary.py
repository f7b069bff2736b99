"""What the recorded voices can say."""

from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""By their value."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

ARTICLES: Final = ("the", "every", "another", "this", "that", "our", "their", "your")
QUALITIES: Final = (
    "small", "green", "quiet", "golden", "heavy", "gentle", "broken", "yellow", "narrow",
    "ancient", "wooden", "silver", "hungry", "careful", "bright", "lonely", "frozen", "curious",
    "purple", "hidden",
)  # fmt: skip
BEINGS: Final = (
    "farmer", "teacher", "sailor", "painter", "doctor", "baker", "captain", "gardener", "rabbit",
    "horse", "spider", "monkey", "dolphin", "neighbour", "writer", "soldier",
)  # fmt: skip
DOINGS: Final = (
    "carries", "watches", "follows", "remembers", "repairs", "discovers", "measures", "collects",
    "paints", "borrows", "protects", "admires", "forgets", "cleans", "draws", "finds",
)  # fmt: skip
THINGS: Final = (
    "basket", "window", "letter", "bottle", "hammer", "blanket", "mirror", "candle", "ladder",
    "pocket", "picture", "button", "kettle", "pencil", "lantern", "table", "garden", "ribbon",
    "engine", "violin",
)  # fmt: skip
RELATIONS: Final = (
    "near", "behind", "under", "beside", "before", "beyond", "inside", "above", "against",
    "without",
)  # fmt: skip
PLACES: Final = (
    "river", "mountain", "harbour", "station", "market", "forest", "village", "island", "bridge",
    "library", "kitchen", "castle", "valley", "museum", "meadow", "tower",
)  # fmt: skip
TIMES: Final = (
    "today", "tomorrow", "slowly", "again", "together", "at night", "in winter", "after lunch",
    "on Monday", "every morning", "in silence", "once more",
)  # fmt: skip
_OTHERS: Final = (
    "a", "and", "at", "in", "on", "of", "to", "is", "was", "it", "he", "she", "we", "they", "you",
    "with", "for", "from", "not", "but", "hello", "world", "good", "speech", "people", "water",
    "house", "time", "day", "long",
)  # fmt: skip

WORDS: Final = tuple(
    dict.fromkeys(
        word.lower()
        for words in (
            ARTICLES, QUALITIES, BEINGS, DOINGS, THINGS, RELATIONS, PLACES, TIMES, _OTHERS,
        )
        for phrase in words
        for word in phrase.split()
    )
)  # fmt: skip
"""Every word that is recorded, apart from digits and letters."""
