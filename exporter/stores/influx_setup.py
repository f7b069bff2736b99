"""Makes on an InfluxDB 2 what the settings name, and tokens that may do no more than they need.

Safe to repeat: what is there already stays as it is.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.steps import Done, Step
from exporter.stores.influx_access import Standing, standing
from exporter.stores.influx_admin import Admin, Grant, ServerBucket, ServerToken
from exporter.stores.influx_tasks import TaskText, tasks
from exporter.stores.influx_token_files import NoPlaceError, Place, held

_HOUR, _DAY = 3600, 86400
_PRIVATE, _GROUP = 0o600, 0o640
_REMEDY = "--new-tokens makes a new one"


class TokenKind(NamedTuple):
    """One of the tokens: what it is called, where it is kept, what it may do."""

    description: str
    file: str
    setting: str | None
    """The setting that names its file; `None` for what others use."""
    raw: tuple[str, ...]
    rollup: tuple[str, ...]


TOKENS: Final = (
    TokenKind("livepeer-exporter write", "influx-write-token", "token_file", ("write",), ()),
    TokenKind(
        "livepeer-exporter read", "influx-read-token", "read_token_file", ("read",), ("read",)
    ),
    # It clears marks of what is to be computed anew in the bucket of the single measurements.
    TokenKind(
        "livepeer-exporter rollup",
        "influx-rollup-token",
        "rollup_token_file",
        ("read", "write"),
        ("read", "write"),
    ),
    TokenKind("livepeer-exporter grafana", "influx-grafana-token", None, ("read",), ("read",)),
)


class Plan(NamedTuple):
    """How the server is to be set up."""

    influx: Influx
    folder: Path
    dry_run: bool = False
    new_tokens: bool = False
    grafana: Path | None = None
    """Another folder for the token of Grafana, which the folder's group may read, too."""

    def place(self, kind: TokenKind) -> Path:
        """Where a token is kept."""
        return (self._of_others(kind) or self.folder) / kind.file

    def mode(self, kind: TokenKind) -> int:
        """Who may read its file."""
        return _GROUP if self._of_others(kind) else _PRIVATE

    def _of_others(self, kind: TokenKind) -> Path | None:
        return self.grafana if kind.setting is None else None


def kinds(influx: Influx) -> list[TokenKind]:
    """The tokens that these settings need."""
    return [kind for kind in TOKENS if influx.rollup_bucket or kind.setting != "rollup_token_file"]


def wanted_buckets(influx: Influx) -> list[tuple[str, int]]:
    """Name and retention in whole seconds of the buckets that these settings name."""
    found = [(influx.bucket, int(influx.retention))]
    if influx.rollup_bucket is not None:
        found.append((influx.rollup_bucket, int(influx.rollup_retention)))
    return found


def kept(retention: int) -> str:
    """For how long a bucket keeps what it gets, in words."""
    if retention == 0:
        return "for ever"
    for unit, name in ((_DAY, "d"), (_HOUR, "h")):
        if retention % unit == 0:
            return f"{retention // unit} {name}"
    return f"{retention} s"


def refused(influx: Influx) -> str | None:
    """Say why no server can be set up like this; `None`: nothing stands against it."""
    if influx.rollup_bucket == influx.bucket:
        return "store.influxdb.rollup_bucket: expected another bucket than `bucket`"
    for name, (bucket, seconds) in zip(
        ("retention", "rollup_retention"), wanted_buckets(influx), strict=False
    ):
        if 0 < seconds < _HOUR:
            return f"store.influxdb.{name}: expected at least an hour for {bucket!r}, or 0"
    return None


def set_up(admin: Admin, plan: Plan) -> Iterator[Step]:
    """Make what is missing, step by step; raises `AdminError` and `NoPlaceError` between steps."""
    influx = plan.influx
    org = admin.org()
    if org is None and plan.dry_run:
        yield from fresh(plan)
        return
    if org is None:
        org = admin.make_org()
        yield Step(Done.MADE, f"organisation {influx.org}")
    else:
        yield Step(Done.THERE, f"organisation {influx.org}")
    there = admin.buckets(org)
    for name, retention in wanted_buckets(influx):
        yield _bucket(admin, org, there, name, retention, dry_run=plan.dry_run)
    for text in tasks(influx):
        yield _task(admin, org, text, dry_run=plan.dry_run)
    yield from _tokens(admin, org, there, plan)


def fresh(plan: Plan) -> Iterator[Step]:
    """Tell what would be made where nothing is."""
    influx = plan.influx
    yield Step(Done.WOULD_MAKE, f"organisation {influx.org}")
    for name, retention in wanted_buckets(influx):
        yield Step(Done.WOULD_MAKE, f"bucket {name}", f"keeps {kept(retention)}")
    for text in tasks(influx):
        yield Step(Done.WOULD_MAKE, f"task {text.name}")
    for kind in kinds(influx):
        what, path = f"token {kind.description}", plan.place(kind)
        if _taken(path) and not plan.new_tokens:
            yield Step(Done.LEFT, what, f"{_stranger(path)}; {_REMEDY}")
        else:
            yield Step(Done.WOULD_MAKE, what, str(path))


def _taken(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _stranger(path: Path) -> str:
    return f"{path} exists, but the server has no token of this name"


def _bucket(
    admin: Admin,
    org: str,
    there: dict[str, ServerBucket],
    name: str,
    retention: int,
    *,
    dry_run: bool,
) -> Step:
    what, found = f"bucket {name}", there.get(name)
    if found is None:
        if dry_run:
            return Step(Done.WOULD_MAKE, what, f"keeps {kept(retention)}")
        there[name] = admin.make_bucket(org, name, retention)
        return Step(Done.MADE, what, f"keeps {kept(retention)}")
    if found.retention == retention:
        return Step(Done.THERE, what, f"keeps {kept(retention)}")
    note = f"keeps {kept(retention)} instead of {kept(found.retention)}"
    if retention and (found.retention == 0 or retention < found.retention):
        note += "; WARNING: that is shorter, what is older will be deleted"
    if dry_run:
        return Step(Done.WOULD_CHANGE, what, note)
    admin.set_retention(found, retention)
    return Step(Done.CHANGED, what, note)


def _task(admin: Admin, org: str, text: TaskText, *, dry_run: bool) -> Step:
    what, found = f"task {text.name}", admin.tasks(org, text.name)
    if not found:
        if not dry_run:
            admin.make_task(org, text)
        return Step(Done.WOULD_MAKE if dry_run else Done.MADE, what)
    first = found[0]
    notes = ["its text is brought up to date"] * (first.flux != text.flux)
    notes += ["it is activated"] * (not first.active)
    twice = f"there are {len(found)} of this name: delete all but one" if len(found) > 1 else ""
    if not notes:
        return Step(Done.LEFT if twice else Done.THERE, what, twice)
    if not dry_run:
        admin.change_task(first, text)
    note = "; ".join([*notes, *([twice] if twice else [])])
    return Step(Done.WOULD_CHANGE if dry_run else Done.CHANGED, what, note)


def _tokens(admin: Admin, org: str, there: dict[str, ServerBucket], plan: Plan) -> Iterator[Step]:
    influx = plan.influx
    known = admin.tokens(org)
    raw = there.get(influx.bucket)
    rollup = there.get(influx.rollup_bucket) if influx.rollup_bucket else None
    for kind in kinds(influx):
        of_kind = [token for token in known if token.description == kind.description]
        grants = [Grant(action, raw.id) for action in kind.raw if raw is not None]
        grants += [Grant(action, rollup.id) for action in kind.rollup if rollup is not None]
        yield _Token(admin, org, plan, kind, known=of_kind, grants=grants).step()


class _Token:
    """One token: as it is on the server, in its file, and as it should be."""

    def __init__(
        self,
        admin: Admin,
        org: str,
        plan: Plan,
        kind: TokenKind,
        *,
        known: list[ServerToken],
        grants: list[Grant],
    ) -> None:
        self._admin, self._org, self._plan, self._kind = admin, org, plan, kind
        self._known, self._grants = known, grants
        self._path = plan.place(kind)
        self._what = f"token {kind.description}"

    def step(self) -> Step:
        plan, wanted = self._plan, frozenset(self._grants)
        there = _taken(self._path)
        if not self._known and not there:
            return self._make(Done.WOULD_MAKE if plan.dry_run else Done.MADE, "")
        fitting = [token for token in self._known if token.grants == wanted]
        problem = self._problem(fitting, there=there)
        if problem is None:
            return self._there(fitting)
        if plan.new_tokens:
            done = Done.WOULD_CHANGE if plan.dry_run else Done.CHANGED
            return self._make(done, f" (a new one, since {problem})", replace=True)
        return Step(Done.LEFT, self._what, f"{problem}; {_REMEDY}")

    def _problem(self, fitting: list[ServerToken], *, there: bool) -> str | None:
        """Why what is there cannot go on being used."""
        if not there:
            return f"the server has it, but {self._path} is missing, and only that held its text"
        if not self._known:
            return _stranger(self._path)
        if not fitting:
            return "the server's token of this name has other permissions than it needs"
        token = held(self._path)
        return self._problem_of(token) if token else f"{self._path} holds no token that can be read"

    def _problem_of(self, token: SecretStr) -> str | None:
        # An inactive token gives no other answer than that it is one.
        probed = asyncio.run(standing(self._plan.influx, token, self._plan.influx.bucket))
        if probed.standing is Standing.UNKNOWN:
            return f"the server does not know the token in {self._path}"
        writes = Standing.MAY_WRITE if "write" in self._kind.raw else Standing.MAY_NOT_WRITE
        if probed.standing not in (writes, Standing.INACTIVE):
            return f"{self._path} holds a token that is for something else"
        return None

    def _there(self, fitting: list[ServerToken]) -> Step:
        inactive = [token for token in fitting if not token.active]
        if not inactive:
            return Step(Done.THERE, self._what, str(self._path))
        if self._plan.dry_run:
            return Step(Done.WOULD_CHANGE, self._what, "it is activated")
        for token in inactive:
            self._admin.activate_token(token)
        return Step(Done.CHANGED, self._what, "it is activated")

    def _make(self, done: Done, note: str, *, replace: bool = False) -> Step:
        if not self._plan.dry_run:
            with Place(self._path, replace=replace, mode=self._plan.mode(self._kind)) as place:
                made, text = self._admin.make_token(self._org, self._kind.description, self._grants)
                try:
                    place.fill(text)
                except NoPlaceError:
                    self._admin.delete_token(made)
                    raise
            for old in self._known:
                self._admin.delete_token(old)
        return Step(done, self._what, f"{self._path}{note}")
