"""Who is who in the known network, and when what happens in it."""

from typing import Final

MINUTE: Final = 60
HOURS: Final = 3
STOP: Final = 1_790_000_000 // 7200 * 7200
START: Final = STOP - HOURS * 3600
EVERY: Final = 10 * MINUTE
"""From one job of a target to its next."""
PAUSE: Final = range(START + 95 * MINUTE, START + 115 * MINUTE)
"""No jobs and no scrapes."""
RESTART: Final = START + 60 * MINUTE + 30
"""When the first tester's station starts anew."""
SCRAPE: Final = MINUTE
FIRST_JOB: Final = START + 5 * MINUTE

FAST, SLOW, FAILING, FLAKY = (f"0x{number}{'ab' * 19}" for number in ("01", "02", "03", "04"))
BUSY: Final = "busy.runner(1)"
"""An endpoint without an address; its id means something in regular expressions."""
ORCHESTRATORS: Final = (FAST, SLOW, FAILING, FLAKY, BUSY)
REPORTED: Final = "0x06" + "ab" * 19
"""Whom only others report about."""
CAME: Final = "0x07" + "ab" * 19
GONE: Final = "0x08" + "ab" * 19
"""Who offer something only at the end, and only at the beginning; they are not tested."""
PICTURE: Final = ("text-to-image", "ByteDance/SDXL-Lightning")
LANGUAGE: Final = ("llm", "meta-llama/Meta-Llama-3.1-8B-Instruct")
HOSTILE: Final = ("image-to-image", "a \"b\"\\c+(d)|[e]{f}$&/${g}\n'h' %0A")
VIDEO: Final = ("live-video-to-video", "comfyui")
"""Offered, and not tested."""
MODELS: Final = (PICTURE, LANGUAGE, HOSTILE)
UNITS: Final = {
    PICTURE: ("megapixel-step", 1.0),
    LANGUAGE: ("token", 100.0),
    HOSTILE: ("megapixel-step", 2.0),
}
