"""`config`: the configuration of other programs."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from exporter.alerting.thresholds import Thresholds, option
from exporter.cli.config_words import Duration, Label, Owner, Pattern, Url
from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    from exporter.alerting.alertmanager import Receivers

_ORIGINS = ("own", "followed", "posted")
_AUDIENCES = ("orchestrator", "operator")
_TYPES: Mapping[str, click.ParamType[Any]] = {
    "count": click.INT,
    "share": click.FLOAT,
    "number": click.FLOAT,
    "duration": Duration(),
}


@click.group(
    epilog="""
\b
Examples:
  livepeer-exporter config export --warning 2 --critical 4
"""
)
def config() -> None:
    """Write the configuration of Prometheus and Alertmanager; see docs/alerts.md."""


def _thresholds(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each threshold, in their order."""
    for one in reversed(fields(Thresholds)):
        kind = one.metadata["kind"]
        default = Duration.written(one.default) if kind == "duration" else one.default
        command = click.option(
            option(one),
            one.name,
            type=_TYPES[kind],
            default=default,
            show_default=True,
            help=one.metadata["meaning"],
        )(command)
    return command


@config.command(
    epilog="""
\b
Examples:
  livepeer-exporter config export
  livepeer-exporter config export --dir /etc/livepeer --warning 2 --critical 4 --success-window 12h
  livepeer-exporter config export --owner 0x...=http://127.0.0.1:8080/hook --token-file /etc/token
  livepeer-exporter config export --audience orchestrator --orchestrator 0x... --origin own

\b
A duration is a number with s, m, h or d, such as 90s or 2h.
Exit codes: 0 written, 1 files that differ are there, 2 wrong usage, 3 it cannot be written.
"""
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("config"),
    show_default=True,
    help="Folder that gets `prometheus`, `alertmanager` and `grafana`.",
)
@click.option("--force", is_flag=True, help="Write over files that differ.")
@click.option(
    "--job",
    type=Pattern(),
    default="livepeer-exporter.*",
    show_default=True,
    help="Regular expression for the names of the scrape jobs.",
)
@click.option(
    "--origin",
    "origins",
    type=click.Choice(_ORIGINS),
    multiple=True,
    default=("own", "followed"),
    show_default=True,
    help="Whose results may alert an orchestrator; may be given several times.",
)
@click.option(
    "--orchestrator",
    "orchestrators",
    type=Label(),
    multiple=True,
    help="Only alerts about this ETH address or id; may be given several times.",
)
@click.option(
    "--audience",
    "audiences",
    type=click.Choice(_AUDIENCES),
    multiple=True,
    default=_AUDIENCES,
    show_default=True,
    help="Only alerts for these; may be given several times.",
)
@click.option(
    "--runbooks", type=Url(), default="", help="URL under which this repository's files are shown."
)
@click.option(
    "--bucket",
    default="livepeer_ai",
    show_default=True,
    help="Bucket in InfluxDB that Grafana's own rules ask.",
)
@click.option("--operator-url", type=Url(), help="Webhook for the tester's operator.")
@click.option("--others-url", type=Url(), help="Webhook for orchestrators without an --owner.")
@click.option(
    "--owner",
    "owners",
    type=Owner(),
    multiple=True,
    metavar="ADDRESS=URL",
    help="Webhook for the owner of an orchestrator; may be given several times.",
)
@click.option("--token-file", help="File with the webhooks' bearer token, on Alertmanager's side.")
@_thresholds
def export(
    *,
    folder: Path,
    force: bool,
    job: str,
    origins: tuple[Any, ...],
    orchestrators: tuple[str, ...],
    audiences: tuple[str, ...],
    runbooks: str,
    bucket: str,
    operator_url: str | None,
    others_url: str | None,
    owners: tuple[tuple[str, str], ...],
    token_file: str | None,
    **chosen: Any,  # noqa: ANN401 - a number for each threshold
) -> None:
    """Write Prometheus' rules and scrape configuration, Alertmanager's, and Grafana's own rules.

    Alerts for orchestrators by their own failures alone, and for the operator of the tester;
    docs/alerts.md lists them, with a runbook for each. A file that is there and differs is left
    alone unless --force is given; then nothing is written at all.
    """
    from exporter import shipped
    from exporter.alerting import Audience, Scope, ThresholdError
    from exporter.alerting.alertmanager import Receivers
    from exporter.alerting.export import files

    try:
        at = Thresholds(**chosen)
    except ThresholdError as error:
        _fail(str(error), USAGE)
    scope = Scope(
        job=job,
        origins=tuple(dict.fromkeys(origins)),
        orchestrators=orchestrators,
        audiences=tuple(Audience(one) for one in audiences),
        runbooks=f"{runbooks}/" if runbooks else "",
    )
    receivers = Receivers(
        operator=operator_url, others=others_url, owners=_each_once(owners), token_file=token_file
    )
    _refuse_token_for_nobody(receivers)
    if not bucket.strip():
        _fail("--bucket: expected the name of a bucket", USAGE)
    try:
        made = files(at, scope, receivers, bucket)
    except shipped.NotShippedError as error:
        _fail(str(error), ENVIRONMENT)
    _write({folder / name: text.encode() for name, text in made.items()}, force=force)


def _each_once(owners: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found = dict(owners)
    if len(found) != len(owners):
        _fail("--owner: expected each orchestrator once", USAGE)
    return found


def _refuse_token_for_nobody(receivers: "Receivers") -> None:
    told = receivers.operator or receivers.others or receivers.owners
    if receivers.token_file is not None and not told:
        _fail("--token-file: there is no webhook to send the token to", USAGE)


def _write(files: Mapping[Path, bytes], *, force: bool) -> None:
    from exporter.whole_file import replace

    try:
        there = {path: path.read_bytes() for path in files if path.exists()}
        changed = [path for path in files if there.get(path) != files[path]]
        differing = [path for path in changed if path in there]
        if differing and not force:
            listed = "\n".join(f"  {path}" for path in differing)
            _fail(
                f"nothing was written, since these differ from what would be:\n{listed}\n"
                "Give another --dir, or --force to write over them.",
                FAILED,
            )
        for path in changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, files[path])
    except OSError as error:
        _fail(f"cannot write {error.filename}: {error.strerror}", ENVIRONMENT)
    for path in files:
        click.echo(f"{path}: {_what(path, changed, there)}")
    for path in _other_rules(files):
        click.echo(f"{path}: not of these, and still there", err=True)


def _other_rules(files: Mapping[Path, bytes]) -> list[Path]:
    """Rules that are there, and would be read beside those that were written."""
    folders = {path.parent for path in files if path.parent.name == "rules"}
    return sorted(path for folder in folders for path in set(folder.glob("*.yml")) - files.keys())


def _what(path: Path, changed: list[Path], there: Mapping[Path, bytes]) -> str:
    if path not in changed:
        return "as it was"
    return "written over" if path in there else "written"


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"livepeer-exporter: {message}", err=True)
    raise click.exceptions.Exit(code)
