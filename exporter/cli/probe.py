"""`probe`: one job against one endpoint, now, with its phases to look at."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.exit_code import USAGE

if TYPE_CHECKING:
    from exporter.kept_answers.saving import Saving
    from exporter.settings import Settings

NAME_LIMIT = 200
BAR = 40
"""Width of the waterfall in characters."""


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter probe --url http://127.0.0.1:8000 --pipeline llm --model my/model
  livepeer-exporter probe --url https://203.0.113.7:8935 --pipeline text-to-image \\
      --model ByteDance/SDXL-Lightning --debug
  livepeer-exporter probe --url https://models.example.org --verify --pipeline llm --model my/model
  livepeer-exporter probe --config config.yaml --url http://127.0.0.1:8000 --pipeline upscale \\
      --model my/upscaler --save answers

\b
Exit codes: 0 the job succeeded, 1 it did not, 2 wrong usage.
"""
)
@click.option("--url", required=True, help="Base URL of the endpoint; it may be private.")
@click.option("--pipeline", required=True, help="Pipeline, such as text-to-image or llm.")
@click.option("--model", required=True, help="Model id, as the endpoint knows it.")
@click.option("--timeout", type=click.FloatRange(0.1, 86400), help="Seconds for the inference.")
@click.option("--verify", is_flag=True, help="Its certificate must be signed by an authority.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path),
    help="PEM file of the authorities that count; --verify goes without saying then.",
)
@click.option("--fingerprint", help="SHA-256 of the one certificate that is accepted.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML) whose `pipelines`, `limits` and `guard` hold; else the defaults.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the answer and its media, as they came; each job makes one of its own in it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the measurement as JSON.")
@click.option("--debug", is_flag=True, help="Also print the log of every step.")
def probe(
    *,
    url: str,
    pipeline: str,
    model: str,
    timeout: float | None,
    verify: bool,
    ca: Path | None,
    fingerprint: str | None,
    config: Path | None,
    save: Path | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Run one real job against one endpoint now and show what came of it.

    The answer is checked like in the service. Nothing is stored, nobody is ranked. Any
    certificate is taken, unless --verify, --ca or --fingerprint ask for more; --debug shows the
    fingerprint.
    """
    import asyncio

    from exporter import log
    from exporter.exit_code import FAILED, OK
    from exporter.probe_once import UnusableError, probe_once

    if not 0 < len(model) <= NAME_LIMIT or not model.isprintable():
        raise click.UsageError(f"--model: 1 to {NAME_LIMIT} printable characters are expected")
    if timeout is not None and timeout != timeout:  # noqa: PLR0124 - not a number
        raise click.UsageError("--timeout: a number of seconds is expected")
    log.configure("error", "auto")
    saved = None if save is None else _folder_to_save_in(save)
    try:
        measurement = asyncio.run(
            probe_once(
                url=url,
                pipeline=pipeline,
                model=model,
                inference_limit=timeout,
                verify=verify or ca is not None,
                ca=ca,
                fingerprint=fingerprint,
                settings=None if config is None else _settings(config),
                keep=saved,
            )
        )
    except UnusableError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        from exporter.shown import pretty
        from exporter.web.job_document import document

        click.echo(pretty(document(measurement)))
    else:
        from exporter.shown import as_text

        click.echo(as_text(measurement, bar=BAR, steps=debug))
    if saved is not None:
        click.echo(saved.told or "there was no answer to save", err=True)
    raise SystemExit(OK if measurement.ok else FAILED)


def _settings(config: Path) -> "Settings":
    import os

    from exporter.settings_file import SettingsError, load

    try:
        return load(config, os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None


def _folder_to_save_in(save: Path) -> "Saving":
    from exporter.kept_answers.saving import Saving

    try:
        save.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--save {save}: {error.strerror}") from error
    return Saving(save)
