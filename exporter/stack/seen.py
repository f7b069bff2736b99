"""What Prometheus and Alertmanager of the stack see: scraped or not, samples, alerts."""

from typing import Any, Final, NamedTuple

import httpx

_OLDER: Final = "/classic"


class Seen(NamedTuple):
    """What is there to be told."""

    scraped: dict[str, int]
    """Samples of the last scrape by job, of those that were scraped."""
    alerts: list[str]
    """What fires, a line each."""


async def look(prometheus: str, alertmanager: str) -> Seen | None:
    """Ask both; `None` where one does not answer yet."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            samples = await _ask(
                client,
                f"{prometheus}/api/v1/query",
                query='scrape_samples_scraped{job=~"livepeer-exporter.*"} and up == 1',
            )
            alerts = await _ask(client, f"{alertmanager}/api/v2/alerts")
    except (httpx.HTTPError, ValueError):
        return None
    return Seen(
        {one["metric"]["job"]: int(one["value"][1]) for one in samples["data"]["result"]},
        sorted(_line(one) for one in alerts),
    )


async def pages(prometheus: str) -> str:
    """Where its pages begin: Debian's package has the older ones alone, in a place of their own."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            answer = await client.get(f"{prometheus}/alerts")
    except httpx.HTTPError:
        return prometheus
    return f"{prometheus}{_OLDER if answer.status_code == httpx.codes.NOT_FOUND else ''}"


async def _ask(client: httpx.AsyncClient, url: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
    answer = await client.get(url, params=parameters)
    answer.raise_for_status()
    return answer.json()


def _line(alert: dict[str, Any]) -> str:
    labels, notes = alert["labels"], alert["annotations"]
    return f"{labels.get('severity', '-')} {labels['alertname']}: {notes.get('summary', '')}"
