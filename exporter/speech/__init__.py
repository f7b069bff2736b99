"""Speech from recorded clips: digits, letters and a few common words of English.

The clips are our own, made with the free synthesiser flite (see `data/NOTICE`), and ship with the
package: nothing is synthesised or fetched at run time. This package imports nothing of the project.
"""

from exporter.speech.clips import RATE, clip
from exporter.speech.speaking import DIGIT_VOICES, WORD_VOICES, CannotSayError, speak
from exporter.speech.vocabulary import DIGITS

__all__ = ["DIGITS", "DIGIT_VOICES", "RATE", "WORD_VOICES", "CannotSayError", "clip", "speak"]
