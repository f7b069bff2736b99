"""`dashboards`: write them into files, or put them into a Grafana."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from exporter.cli.dashboards_words import Bucket, Uid
from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    from exporter.grafana.boards import Board, Edition
    from exporter.grafana.sources import Source
    from exporter.grafana.steps import Plan
    from exporter.grafana.talk import Access, Grafana
    from exporter.steps import Step

TOKEN_VARIABLE = "LIVEPEER_GRAFANA_TOKEN"  # noqa: S105 - its name
_SECRET_LIMIT = 8194
_EDITIONS = click.Choice(["prometheus", "influxdb", "both"])
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="""
\b
Examples:
  livepeer-exporter dashboards export --edition prometheus
  livepeer-exporter dashboards push --grafana http://127.0.0.1:3000 --token-file grafana-token
"""
)
def dashboards() -> None:
    """Write the dashboards into files, or put them into a Grafana; see docs/dashboards.md."""


@dashboards.command(
    epilog="""
\b
Examples:
  livepeer-exporter dashboards export --edition prometheus
  livepeer-exporter dashboards export --edition influxdb --bucket my_bucket --dir boards
  livepeer-exporter dashboards export --edition prometheus --datasource-uid abc --force

\b
Exit codes: 0 all are there, 1 files that differ were left alone, 2 wrong usage, 3 they cannot be
written.
"""
)
@click.option("--edition", type=_EDITIONS, default="both", show_default=True)
@click.option(
    "--dir",
    "into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("livepeer-dashboards"),
    show_default=True,
    help="Folder for the files; made if it is not there.",
)
@click.option(
    "--datasource-uid",
    type=Uid(),
    help="The data source that they ask at first (in its address in Grafana, after /edit/); "
    "needs one edition. Default: Grafana's default one of its type.",
)
@click.option(
    "--bucket", type=Bucket(), help="The bucket that they ask at first. Default: livepeer_ai."
)
@click.option("--force", is_flag=True, help="Replace files that differ.")
def export(
    *, edition: str, into: Path, datasource_uid: str | None, bucket: str | None, force: bool
) -> None:
    """Write the dashboards into files, to be imported by hand or by provisioning.

    Nothing is written if one of the files is there and differs, unless --force is given.
    """
    if datasource_uid is not None and edition == "both":
        _fail("--datasource-uid is of one data source: say which --edition asks it", USAGE)
    asked = [board for one in _editions(edition) for board in _boards(one, datasource_uid, bucket)]
    files = {into / f"{board.uid}.json": board.text for board in asked}
    try:
        differing = [path for path in files if path.exists() and _differs(path, files[path])]
        if differing and not force:
            for path in differing:
                click.echo(f"  {'NOT DONE':<17} {path}  it is there and differs", err=True)
            _fail("nothing was written: --force replaces what differs", FAILED)
        done = _written(files, into)
    except OSError as error:
        _fail(f"{error.filename or into}: {error.strerror or error}", ENVIRONMENT)
    for path, what in done.items():
        click.echo(f"  {what:<17} {path}")


def _boards(edition: "Edition", source: str | None, bucket: str | None) -> list["Board"]:
    from exporter.grafana.boards import boards
    from exporter.shipped import NotShippedError

    try:
        return boards(edition, source=source, bucket=bucket)
    except NotShippedError as error:
        _fail(str(error), ENVIRONMENT)


def _differs(path: Path, text: str) -> bool:
    return path.read_bytes() != text.encode()


def _written(files: dict[Path, str], into: Path) -> dict[Path, str]:
    """What was done with each: nobody who stops reading what is told stops the writing."""
    from exporter.whole_file import replace

    into.mkdir(parents=True, exist_ok=True)
    done = {}
    for path, text in files.items():
        done[path] = "made" if not path.exists() else "changed" if _differs(path, text) else "there"
        if done[path] != "there":
            replace(path, text.encode())
    return done


def _editions(name: str) -> tuple["Edition", ...]:
    from exporter.grafana.boards import Edition

    return tuple(Edition) if name == "both" else (Edition(name),)


@dashboards.command(
    epilog=f"""
\b
Examples:
  livepeer-exporter dashboards push --grafana http://127.0.0.1:3000 --token-file grafana-token
  livepeer-exporter dashboards push --grafana https://grafana.example.org --token-file t --dry-run
  livepeer-exporter dashboards push --grafana http://127.0.0.1:3000 --user admin \\
    --password-file password --prometheus-url http://127.0.0.1:9090
  livepeer-exporter dashboards push --grafana http://127.0.0.1:3000 --token-file t \\
    --influxdb-url http://127.0.0.1:8086 --org livepeer --influxdb-token-file influx-grafana-token

\b
The token is that of a service account (Administration, Users and access, Service accounts):
Editor for dashboards, Admin for data sources, too. Instead of --token-file: ${TOKEN_VARIABLE}.

\b
Exit codes: 0 all is there, 1 something could not be done, 2 wrong usage, 3 Grafana cannot be
reached, or what answers is none.
"""
)
@click.option("--grafana", required=True, help="Address of Grafana, with its path if it has one.")
@click.option("--token-file", type=_FILE, help="File with the token of a service account.")
@click.option("--user", help="Sign in as this user instead of with a token.")
@click.option("--password-file", type=_FILE, help="File with the password of --user.")
@click.option("--ca", type=_FILE, help="PEM file of the authority of Grafana's certificate.")
@click.option(
    "--edition",
    type=_EDITIONS,
    help="Default: those of the data sources that are asked for, or both.",
)
@click.option("--folder", help="Folder in Grafana. Default: Livepeer AI.")
@click.option("--prometheus-url", help="Make a data source: Prometheus, as Grafana reaches it.")
@click.option("--influxdb-url", help="Make a data source: InfluxDB 2, as Grafana reaches it.")
@click.option("--influxdb-token-file", type=_FILE, help="File with a token that reads the bucket.")
@click.option("--org", default="livepeer", show_default=True, help="Organisation in InfluxDB.")
@click.option("--bucket", type=Bucket(), help="Bucket in InfluxDB. Default: livepeer_ai.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def push(
    *,
    grafana: str,
    token_file: Path | None,
    user: str | None,
    password_file: Path | None,
    ca: Path | None,
    edition: str | None,
    folder: str | None,
    prometheus_url: str | None,
    influxdb_url: str | None,
    influxdb_token_file: Path | None,
    org: str,
    bucket: str | None,
    dry_run: bool,
) -> None:
    """Make folder, data sources and dashboards in a Grafana, where they are missing or differ.

    Safe to repeat. Data sources are made only if their address is given. Dashboards and data
    sources of other people are never changed.
    """
    from exporter.grafana.boards import VERSION
    from exporter.grafana.push import FOLDER
    from exporter.grafana.steps import Plan
    from exporter.grafana.talk import Grafana, GrafanaError, UnusableError, identify

    sources = _sources(prometheus_url, influxdb_url, influxdb_token_file, org, bucket)
    asked = tuple(source.edition for source in sources)
    plan = Plan(
        folder=folder or FOLDER,
        editions=asked if edition is None and asked else _editions(edition or "both"),
        sources=sources,
        bucket=bucket,
        dry_run=dry_run,
    )
    access = _access(token_file, user, password_file)
    hidden = [source.token for source in sources if source.token]
    try:
        with Grafana(_address("--grafana", grafana), access, ca=ca, hidden=hidden) as talk:
            click.echo(f"{talk.url} is a Grafana {identify(talk, oldest=VERSION)}:")
            _tell(talk, plan)
    except UnusableError as error:
        _fail(str(error), ENVIRONMENT)
    except GrafanaError as error:
        _fail(str(error), FAILED)


def _tell(talk: "Grafana", plan: "Plan") -> None:
    from exporter.grafana.push import push as steps
    from exporter.steps import Done

    done: list[Step] = []
    for step in steps(talk, plan):
        click.echo(step.line(45))
        done.append(step)
    if any(step.done is Done.LEFT for step in done):
        raise SystemExit(FAILED)
    if all(step.done is Done.THERE for step in done):
        click.echo("nothing to change")


def _sources(
    prometheus: str | None, influxdb: str | None, token: Path | None, org: str, bucket: str | None
) -> tuple["Source", ...]:
    from exporter.grafana.boards import BUCKET, Edition
    from exporter.grafana.sources import Source

    if (influxdb is None) != (token is None):
        _fail("--influxdb-url and --influxdb-token-file belong together", USAGE)
    made: list[Source] = []
    if prometheus is not None:
        made.append(
            Source(edition=Edition.PROMETHEUS, url=_address("--prometheus-url", prometheus))
        )
    if influxdb is not None and token is not None:
        made.append(
            Source(
                edition=Edition.INFLUXDB,
                url=_address("--influxdb-url", influxdb),
                org=org,
                bucket=bucket or BUCKET,
                token=_secret(token),
            )
        )
    return tuple(made)


def _access(token_file: Path | None, user: str | None, password_file: Path | None) -> "Access":
    from exporter.grafana.talk import Access

    if (user is None) != (password_file is None):
        _fail("--user and --password-file belong together", USAGE)
    if user is not None and password_file is not None:
        return Access(user=user, password=_secret(password_file))
    if token_file is not None:
        return Access(token=_secret(token_file))
    given = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not given:
        _fail(
            f"the token of a service account is needed: --token-file FILE, ${TOKEN_VARIABLE}, or "
            "--user with --password-file",
            USAGE,
        )
    return Access(token=_header(given, f"${TOKEN_VARIABLE}"))


def _address(option: str, url: str) -> str:
    """The address without a slash at its end; what it may not have is not shown."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        _fail(f"{option}: expected an address such as http://127.0.0.1:3000", USAGE)
    if "@" in parts.netloc:
        _fail(f"{option}: an address with a user or password is not taken: files hold them", USAGE)
    if parts.query or parts.fragment:
        _fail(f"{option}: expected an address without ? and #", USAGE)
    return url.rstrip("/")


def _secret(path: Path) -> str:
    from exporter.settings_file.files import UnreadableFileError, read_bounded

    try:
        text = read_bounded(path, _SECRET_LIMIT).decode().removesuffix("\n").removesuffix("\r")
    except UnreadableFileError as error:
        _fail(f"{path}: {error}", USAGE)
    except UnicodeDecodeError:
        _fail(f"{path}: it holds bytes that are no text", USAGE)
    return _header(text, str(path))


def _header(secret: str, where: str) -> str:
    if not secret:
        _fail(f"{where}: it is empty", USAGE)
    if not secret.isprintable():
        _fail(f"{where}: it holds more than one line, or characters that no secret has", USAGE)
    return secret


def _fail(text: str, code: int) -> NoReturn:
    click.echo(text, err=True)
    raise SystemExit(code)
