"""`influx`: set up an InfluxDB 2 for the store, and check it."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    from pydantic import SecretStr

    from exporter.settings.serving import Influx
    from exporter.steps import Step
    from exporter.stores.influx_admin import Credentials
    from exporter.stores.influx_check import Finding
    from exporter.stores.influx_server import Answer
    from exporter.stores.influx_setup import Plan

TOKEN_VARIABLE = "LIVEPEER_INFLUX_OPERATOR_TOKEN"  # noqa: S105 - its name
_SECRET_LIMIT = 8194
_SETTINGS_TOKENS = ("TOKEN", "READ_TOKEN", "ROLLUP_TOKEN")
_NOT_YET = "not-made-yet"


class _Access(NamedTuple):
    """How the operator lets us in, as the command line says it."""

    token_file: Path | None
    username: str | None
    password_file: Path | None


def _options(command: Callable[..., None]) -> Callable[..., None]:
    path = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--password-file", type=path, help="File with the password of --username."),
        click.option("--username", help="Sign in as this user instead of with a token."),
        click.option(
            "--token-file",
            type=path,
            help=f"File with an operator's or all-access token; else ${TOKEN_VARIABLE}.",
        ),
        click.option(
            "--config",
            required=True,
            type=path,
            help="Settings file (YAML); its `store.influxdb` says which server.",
        ),
    ):
        command = option(command)
    return command


@click.group(
    epilog="""
\b
Examples:
  livepeer-exporter influx setup --config config.yaml --dry-run
  livepeer-exporter influx check --config config.yaml
"""
)
def influx() -> None:
    """Set up an InfluxDB 2 for measurements, and check it; see docs/storage.md."""


@influx.command(
    epilog="""
\b
Examples:
  livepeer-exporter influx setup --config config.yaml --dry-run
  livepeer-exporter influx setup --config config.yaml --token-file operator-token
  livepeer-exporter influx setup --config config.yaml --username admin --password-file password

\b
Exit codes: 0 all is there, 1 something could not be done, 2 wrong usage or settings,
3 the server cannot be reached or is none that can be used.
"""
)
@_options
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--new-tokens",
    is_flag=True,
    help="Replace tokens whose file is missing or that do not fit; the old ones are revoked.",
)
@click.option(
    "--tokens-to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the tokens' files. Default: the folder of the settings file.",
)
@click.option(
    "--grafana-token-to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another folder for the token of Grafana's data source, which may then be read by the "
    "file's group, too.",
)
def setup(
    *,
    config: Path,
    token_file: Path | None,
    username: str | None,
    password_file: Path | None,
    dry_run: bool,
    new_tokens: bool,
    tokens_to: Path | None,
    grafana_token_to: Path | None,
) -> None:
    """Make buckets, roll-up tasks and least-privilege tokens, where they are missing.

    Safe to repeat. Needs an operator's or all-access token (asked for, if it is given in no other
    way), or a user's name and password; neither is kept. A server that is not set up yet is set up
    with --username and --password-file. Tokens are written to files that only their owner may read.
    """
    import asyncio

    from exporter.stores.influx_server import identify
    from exporter.stores.influx_setup import Plan, refused

    server = _server_to_set_up(config)
    if (against := refused(server)) is not None:
        _fail(against, USAGE)
    plan = Plan(
        server,
        (tokens_to or config.absolute().parent).absolute(),
        dry_run,
        new_tokens,
        None if grafana_token_to is None else grafana_token_to.absolute(),
    )
    for folder in (plan.folder, plan.grafana):
        if folder is not None and not folder.is_dir():
            _fail(f"{folder}: there is no such folder for the tokens", ENVIRONMENT)
    access = _Access(token_file, username, password_file)
    answer = asyncio.run(identify(server))
    if not answer.usable and answer.set_up:
        _fail(answer.said, ENVIRONMENT)
    _set_up(plan, answer, access, config)


def _set_up(plan: "Plan", answer: "Answer", access: _Access, config: Path) -> None:
    from exporter.steps import Done, Step
    from exporter.stores.influx_admin import Admin, AdminError
    from exporter.stores.influx_setup import fresh, set_up
    from exporter.stores.influx_token_files import NoPlaceError

    steps: list[Step] = []
    try:
        if not answer.set_up and plan.dry_run:
            click.echo(answer.said)
            for step in fresh(plan):
                _tell(steps, step)
        else:
            credentials = _credentials(access, ask=answer.set_up)
            if credentials is None:
                _fail(answer.said, USAGE)
            if not answer.set_up:
                _first_user(plan.influx, credentials)
            click.echo(f"{answer.said if answer.set_up else plan.influx.url}:")
            with Admin(plan.influx, credentials) as admin:
                for step in set_up(admin, plan):
                    _tell(steps, step)
    except (AdminError, NoPlaceError) as error:
        click.echo(f"{error}", err=True)
        raise SystemExit(FAILED) from None
    if all(step.done is Done.THERE for step in steps):
        click.echo("nothing to change")
    elif any(step.done is Done.LEFT for step in steps):
        raise SystemExit(FAILED)
    elif not plan.dry_run:
        _hint(plan, config)


def _first_user(server: "Influx", credentials: "Credentials") -> None:
    from exporter.stores.influx_admin import Admin, Credentials

    if credentials.username is None or credentials.password is None:
        _fail("a server that is not set up yet needs --username and --password-file", USAGE)
    with Admin(server, Credentials()) as admin:
        admin.set_up(credentials.username, credentials.password)
    click.echo(
        f"set up, with the user {credentials.username}; the operator's token that the server made "
        "is not kept: sign in as this user, with --username here, too"
    )


def _tell(steps: list["Step"], step: "Step") -> None:
    steps.append(step)
    click.echo(step.line(34))


def _hint(plan: "Plan", config: Path) -> None:
    from exporter.stores.influx_setup import kinds

    # A path in the settings is relative to their folder.
    near = plan.folder == config.absolute().parent
    click.echo(f"\nin {config}:\n\nstore:\n  kind: influxdb\n  influxdb:")
    for kind in kinds(plan.influx):
        if kind.setting is not None:
            click.echo(f"    {kind.setting}: {kind.file if near else plan.folder / kind.file}")
    grafana = next(kind for kind in kinds(plan.influx) if kind.setting is None)
    click.echo(f"\nfor Grafana's data source: {plan.place(grafana)}")


@influx.command(
    epilog="""
\b
Examples:
  livepeer-exporter influx check --config config.yaml
  livepeer-exporter influx check --config config.yaml --token-file operator-token

\b
Exit codes: 0 all is well, 1 something is wrong, 2 wrong usage or settings, 3 the server cannot be
reached.
"""
)
@_options
def check(
    *, config: Path, token_file: Path | None, username: str | None, password_file: Path | None
) -> None:
    """Say what is missing or wrong on the server of the settings.

    Without an operator's token or user it says what the tokens of the settings can see, and what
    they cannot.
    """
    import asyncio

    from exporter.stores.influx_check import Level
    from exporter.stores.influx_server import Kind, identify

    server = _settings(config, os.environ)
    if server is None:
        _fail(f"{config}: store.influxdb: there is no such section", USAGE)
    credentials = _credentials(_Access(token_file, username, password_file), ask=False)
    answer = asyncio.run(identify(server))
    if not answer.usable:
        _fail(answer.said, ENVIRONMENT if answer.kind is Kind.NOBODY else FAILED)
    findings = asyncio.run(_seen(server, answer, operator=credentials is not None))
    if credentials is not None:
        findings += _seen_by_operator(server, credentials)
    for finding in findings:
        click.echo(f"  {finding.level.value:<9}{finding.text}")
    if any(finding.level is Level.WRONG for finding in findings):
        raise SystemExit(FAILED)


async def _seen(server: "Influx", answer: "Answer", *, operator: bool) -> list["Finding"]:
    from exporter.stores.influx_check import retentions, with_the_settings

    found = [finding async for finding in with_the_settings(server, answer)]
    return found if operator else found + [finding async for finding in retentions(server)]


def _seen_by_operator(server: "Influx", credentials: "Credentials") -> list["Finding"]:
    from exporter.stores.influx_admin import Admin, AdminError
    from exporter.stores.influx_check import Finding, Level, with_an_operator

    found: list[Finding] = []
    try:
        with Admin(server, credentials) as admin:
            found.extend(with_an_operator(server, admin))
    except AdminError as error:
        found.append(Finding(Level.WRONG, f"as the operator: {error}"))
    return found


def _server_to_set_up(config: Path) -> "Influx":
    """The section of the server; that the tokens' files are not there yet is no mistake."""
    from exporter.settings_file import SettingsError, load

    with suppress(SettingsError):
        server = load(config, os.environ).store.influxdb
        if server is None:
            _fail(f"{config}: store.influxdb: there is no such section", USAGE)
        return server
    names = [f"LIVEPEER_EXPORTER_STORE__INFLUXDB__{name}" for name in _SETTINGS_TOKENS]
    environ = {name: text for name, text in os.environ.items() if name not in names}
    for name in names:
        environ.pop(f"{name}_FILE", None)
    server = _settings(config, environ | dict.fromkeys(names, _NOT_YET))
    if server is None:
        _fail(f"{config}: store.influxdb: there is no such section", USAGE)
    return server


def _settings(config: Path, environ: Mapping[str, str]) -> "Influx | None":
    from exporter.settings_file import SettingsError, load

    try:
        return load(config, environ).store.influxdb
    except SettingsError as error:
        _fail(str(error), USAGE)


def _credentials(access: _Access, *, ask: bool) -> "Credentials | None":
    from pydantic import SecretStr

    from exporter.stores.influx_admin import Credentials

    if (access.username is None) != (access.password_file is None):
        _fail("--username and --password-file belong together", USAGE)
    if access.username is not None and access.password_file is not None:
        return Credentials(None, access.username, _secret(access.password_file))
    if access.token_file is not None:
        return Credentials(_secret(access.token_file))
    if given := os.environ.get(TOKEN_VARIABLE):
        return Credentials(SecretStr(given.strip()))
    if not ask:
        return None
    if not sys.stdin.isatty():
        _fail(
            "an operator's or all-access token is needed: --token-file FILE, "
            f"${TOKEN_VARIABLE}, or --username with --password-file",
            USAGE,
        )
    typed: str = click.prompt("Operator's token", hide_input=True, err=True)
    return Credentials(SecretStr(typed))


def _secret(path: Path) -> "SecretStr":
    from pydantic import SecretStr

    from exporter.settings_file.files import UnreadableFileError, read_bounded

    try:
        text = read_bounded(path, _SECRET_LIMIT).decode().removesuffix("\n").removesuffix("\r")
    except UnreadableFileError as error:
        _fail(f"{path}: {error}", USAGE)
    except UnicodeDecodeError:
        _fail(f"{path}: it holds bytes that are no text", USAGE)
    if not text:
        _fail(f"{path}: it is empty", USAGE)
    return SecretStr(text)


def _fail(text: str, code: int) -> NoReturn:
    click.echo(text, err=True)
    raise SystemExit(code)
