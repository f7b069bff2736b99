"""What an operator may do on an InfluxDB: organisation, buckets, tasks and tokens."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, Self

from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.stores.influx_errors import explain, message_in
from exporter.stores.influx_tasks import TaskText

_UNAUTHORIZED, _NOT_FOUND = 401, 404
_PAGE = 100
_TASKS = 500
_HOUR, _DAY = 3600, 86400


class AdminError(Exception):
    """The server did not do it; the message says why, without a secret."""


class Credentials(NamedTuple):
    """An operator's or all-access token, or a user's name and password."""

    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None


class ServerBucket(NamedTuple):
    """A bucket as the server has it."""

    id: str
    name: str
    retention: int
    """Seconds; 0: for ever."""


class ServerTask(NamedTuple):
    """A task as the server has it, with what came of its last run."""

    id: str
    name: str
    flux: str
    active: bool
    every: str | None
    created_at: datetime | None
    completed_at: datetime | None
    last_status: str | None
    last_error: str | None


class Grant(NamedTuple):
    """One permission of a token: `read` or `write`, of one bucket."""

    action: str
    bucket: str
    """Its id; something else for what is not about one bucket."""


class ServerToken(NamedTuple):
    """A token as the server lists it: without its text."""

    id: str
    description: str
    active: bool
    grants: frozenset[Grant]


class Admin:
    """An operator's connection to the server; every method raises `AdminError`."""

    def __init__(self, influx: Influx, credentials: Credentials) -> None:
        secret = credentials.token or credentials.password
        # What is quoted of the server is cleaned of the token that the settings hold.
        self._influx = influx.model_copy(update={"token": secret})
        access: dict[str, Any] = {"token": secret.get_secret_value() if secret else None}
        if credentials.token is None and credentials.password is not None:
            access = {
                "username": credentials.username,
                "password": credentials.password.get_secret_value(),
            }
        self._username = credentials.username
        self._library = _library()
        self._client = self._library.InfluxDBClient(
            influx.url,
            org=influx.org,
            timeout=int(influx.timeout * 1000),
            ssl_ca_cert=None if influx.ca is None else str(influx.ca),
            retries=False,
            **access,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explained():
            self._client.close()

    def org(self) -> str | None:
        """Find the organisation's id; `None` if there is none."""
        with self._explained():
            try:
                found = self._client.organizations_api().find_organizations(org=self._influx.org)
            except self._library.rest.ApiException as error:
                if error.status == _NOT_FOUND:
                    return None
                raise
            if found:
                return str(found[0].id)
            return self._org_by_bucket()

    def _org_by_bucket(self) -> str:
        """A token of one organisation may be denied to list it, yet sees its buckets."""
        for bucket in self._client.buckets_api().find_buckets(org=self._influx.org).buckets:
            return str(bucket.org_id)
        raise AdminError(
            f"the token may not see the organisation {self._influx.org!r}: an operator's token is "
            "needed, or an all-access token of this organisation"
        )

    def make_org(self) -> str:
        """Make the organisation and give its id."""
        with self._explained():
            made = self._client.organizations_api().create_organization(name=self._influx.org)
            return str(made.id)

    def buckets(self, org: str) -> dict[str, ServerBucket]:
        """Every bucket of the organisation by its name."""
        with self._explained():
            found = self._client.buckets_api().find_buckets_iter(org_id=org, limit=_PAGE)
            return {each.name: _bucket(each) for each in found}

    def make_bucket(self, org: str, name: str, retention: int) -> ServerBucket:
        """Make a bucket that keeps what it gets for so many seconds; 0: for ever."""
        rule = self._library.BucketRetentionRules(type="expire", every_seconds=retention)
        with self._explained():
            api = self._client.buckets_api()
            return _bucket(api.create_bucket(bucket_name=name, retention_rules=rule, org=org))

    def set_retention(self, bucket: ServerBucket, retention: int) -> None:
        """Change for how many seconds a bucket keeps what it gets.

        The server wants to be told how long its files are then, and chooses by itself only for a
        new bucket; these are the lengths that it would choose.
        """
        rule = self._library.PatchRetentionRule(
            type="expire", every_seconds=retention, shard_group_duration_seconds=_shard(retention)
        )
        request = self._library.PatchBucketRequest(retention_rules=[rule])
        with self._explained():
            service = self._library.BucketsService(self._client.api_client)
            service.patch_buckets_id(bucket_id=bucket.id, patch_bucket_request=request)

    def tasks(self, org: str, name: str) -> list[ServerTask]:
        """The tasks of this name; a name can be taken several times."""
        with self._explained():
            api = self._client.tasks_api()
            found = api.find_tasks(org_id=org, name=name, limit=_TASKS)
            return [_task(each) for each in found]

    def make_task(self, org: str, text: TaskText) -> ServerTask:
        """Make a task that runs from now on."""
        request = self._library.TaskCreateRequest(org_id=org, flux=text.flux, status="active")
        with self._explained():
            return _task(self._client.tasks_api().create_task(task_create_request=request))

    def change_task(self, task: ServerTask, text: TaskText) -> None:
        """Give a task this text, and let it run."""
        request = self._library.TaskUpdateRequest(flux=text.flux, status="active")
        with self._explained():
            self._client.tasks_api().update_task_request(task.id, request)

    def tokens(self, org: str) -> list[ServerToken]:
        """Every token of the organisation that may be seen, without its text."""
        with self._explained():
            found = self._client.authorizations_api().find_authorizations(org_id=org)
            return [_token(each) for each in found]

    def make_token(
        self, org: str, description: str, grants: Sequence[Grant]
    ) -> tuple[ServerToken, SecretStr]:
        """Make a token; its text is shown this once by servers from 2.9 on."""
        permissions = [
            self._library.Permission(
                action=grant.action,
                resource=self._library.PermissionResource(
                    type="buckets", id=grant.bucket, org_id=org
                ),
            )
            for grant in grants
        ]
        wanted = self._library.Authorization(
            org_id=org, description=description, permissions=permissions
        )
        with self._explained():
            made = self._client.authorizations_api().create_authorization(authorization=wanted)
            if not made.token:
                raise AdminError(f"the server made the token {description!r} and did not show it")
            return _token(made), SecretStr(str(made.token))

    def activate_token(self, token: ServerToken) -> None:
        """Let an inactive token be used again."""
        request = self._library.AuthorizationUpdateRequest(status="active")
        with self._explained():
            service = self._library.AuthorizationsService(self._client.api_client)
            service.patch_authorizations_id(token.id, request)

    def delete_token(self, token: ServerToken) -> None:
        """Revoke a token."""
        with self._explained():
            self._client.authorizations_api().delete_authorization(token.id)

    def set_up(self, username: str, password: SecretStr) -> None:
        """Make the first user, the organisation and the bucket of a fresh server.

        The operator's token that the server makes meanwhile is not kept.
        """
        request = self._library.OnboardingRequest(
            username=username,
            password=password.get_secret_value(),
            org=self._influx.org,
            bucket=self._influx.bucket,
            retention_period_seconds=int(self._influx.retention),
        )
        with self._explained():
            self._library.SetupService(self._client.api_client).post_setup(request)

    def query_limits(self) -> dict[str, int]:
        """Give the server's limits on queries; only an operator may see them."""
        with self._explained():
            found = self._library.ConfigService(self._client.api_client).get_config().config or {}
        return {
            name: value
            for name, value in found.items()
            if name.startswith("query-") and isinstance(value, int)
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except AdminError:
            raise
        except Exception as error:  # noqa: BLE001 - its own, urllib3's, ValueError for odd answers
            raise AdminError(self._refused(error) or explain(error, self._influx)) from None

    def _refused(self, error: Exception) -> str | None:
        """That the operator is not let in is about what was given now, not about the settings."""
        said = message_in(getattr(error, "body", None) or "")
        # With another text it is let in, and may not do this one thing.
        if getattr(error, "status", None) != _UNAUTHORIZED or said != "unauthorized access":
            return None
        if self._username is not None:
            return (
                f"InfluxDB does not let the user {self._username!r} in: the name or the password "
                "is wrong"
            )
        return (
            "InfluxDB does not know the operator's token: it is mistyped, of another server or "
            "revoked; `--username` with `--password-file` is another way in"
        )


def _library() -> Any:  # noqa: ANN401 - says that it is typed, and is not
    """The client library: heavy, and without types to speak of."""
    import influxdb_client
    import influxdb_client.rest

    return influxdb_client


def _shard(retention: int) -> int:
    if 0 < retention < 2 * _DAY:
        return _HOUR
    return _DAY if 0 < retention < 180 * _DAY else 7 * _DAY


def _bucket(found: Any) -> ServerBucket:  # noqa: ANN401 - as above
    rules = found.retention_rules or []
    seconds = max((int(rule.every_seconds or 0) for rule in rules), default=0)
    return ServerBucket(str(found.id), str(found.name), seconds)


def _task(found: Any) -> ServerTask:  # noqa: ANN401 - as above
    return ServerTask(
        id=str(found.id),
        name=str(found.name),
        flux=str(found.flux),
        active=found.status == "active",
        every=found.every,
        created_at=found.created_at,
        completed_at=found.latest_completed,
        last_status=found.last_run_status,
        last_error=found.last_run_error,
    )


def _token(found: Any) -> ServerToken:  # noqa: ANN401 - as above
    grants = (
        Grant(str(each.action), str(each.resource.id or f"all {each.resource.type}"))
        for each in found.permissions or ()
    )
    return ServerToken(
        str(found.id), str(found.description or ""), found.status == "active", frozenset(grants)
    )
