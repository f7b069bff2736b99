"""`leaderboard`: the ranking of a running station as a table."""

from typing import Any

import click

DEFAULT_URL = "http://127.0.0.1:9877"
TIMEOUT = 30.0


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter leaderboard
  livepeer-exporter leaderboard --pipeline text-to-image --since 7d
  livepeer-exporter leaderboard --url http://127.0.0.1:9877 --region FRA --json

\b
Exit codes: 0 shown, 1 the station did not answer or refused, 2 wrong usage.
"""
)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Base URL of the station.")
@click.option("--pipeline", help="Only this pipeline, such as text-to-image or 'Text to image'.")
@click.option("--model", help="Only this model id.")
@click.option("--region", help="Only this region, such as FRA.")
@click.option(
    "--since", help="How far back: 90m, 24h, 7d, or Unix seconds. Default: the station's."
)
@click.option("--json", "as_json", is_flag=True, help="Print the station's JSON document.")
def leaderboard(
    *,
    url: str,
    pipeline: str | None,
    model: str | None,
    region: str | None,
    since: str | None,
    as_json: bool,
) -> None:
    """Show who performs best, as the station at --url has measured it."""
    import httpx

    from exporter.cli.ranking_table import print_ranking
    from exporter.shown import pretty, printable

    asked = {
        "pipeline": pipeline,
        "model": model,
        "region": region,
        "since": since,
    }
    base = url.rstrip("/")
    try:
        response = httpx.get(
            f"{base}/api/v1/leaderboard",
            params={name: value for name, value in asked.items() if value is not None},
            timeout=TIMEOUT,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"no station answers at {base}: {error}. Start one with 'livepeer-exporter run' or "
            "give its address with --url."
        ) from error
    if response.status_code != httpx.codes.OK:
        raise click.ClickException(
            f"the station at {base} refused with status {response.status_code}: "
            f"{printable(response.text.strip()[:300])}"
        )
    document = _parsed(response.text, base)
    if as_json:
        click.echo(pretty(document))
    else:
        print_ranking(document)


def _parsed(text: str, base: str) -> dict[str, Any]:
    import json

    try:
        document = json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"what answers at {base} is no station") from error
    if not isinstance(document, dict) or "entries" not in document:
        raise click.ClickException(f"what answers at {base} is no station")
    return document
