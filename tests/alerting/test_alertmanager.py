import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from exporter.alerting import Audience, Severity, alerts
from exporter.alerting.alertmanager import Receivers, alertmanager_file
from tests.alerting.prometheus_tools import ran, tool
from tests.alerting.worlds import ADDRESS, OTHER
from tests.services.influx_server import free_port

URL = "http://127.0.0.1:9/hook"
FULL = Receivers(
    operator=URL, others=f"{URL}/others", owners={ADDRESS: f"{URL}/owner"}, token_file="/etc/token"
)
HERE = {"instance": "here"}
TARGET = {
    **HERE,
    "orchestrator_address": ADDRESS,
    "pipeline": "text-to-image",
    "model_name": "one",
    "region": "FRA",
    "tester": "ours",
}


def written(folder: Path, receivers: Receivers | None = None) -> str:
    path = folder / "alertmanager.yml"
    path.write_text(alertmanager_file(receivers))
    return str(path)


@pytest.mark.parametrize("receivers", [None, FULL, Receivers(operator=URL)])
def test_amtool_takes_it(tmp_path: Path, receivers: Receivers | None) -> None:
    assert "SUCCESS" in ran("amtool", "check-config", written(tmp_path, receivers))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"audience": "orchestrator", "orchestrator_address": ADDRESS}, f"owner of {ADDRESS}"),
        (
            {"audience": "orchestrator", "orchestrator_address": ADDRESS, "severity": "info"},
            f"owner of {ADDRESS}",
        ),
        ({"audience": "orchestrator", "orchestrator_address": OTHER}, "orchestrators"),
        (
            {"audience": "orchestrator", "orchestrator_address": OTHER, "severity": "info"},
            "orchestrators",
        ),
        ({"audience": "operator", "severity": "critical"}, "operator"),
        ({"audience": "operator", "orchestrator_address": ADDRESS}, "operator"),
        ({"alertname": "SomebodyElses"}, "operator"),
    ],
)
def test_each_alert_goes_to_whom_it_is_for(
    tmp_path: Path, labels: dict[str, str], receiver: str
) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    where = ("--config.file", written(tmp_path, FULL), f"--verify.receivers={receiver}")
    ran("amtool", "config", "routes", "test", *where, *pairs)


def test_every_alert_has_a_route_of_its_audience(tmp_path: Path) -> None:
    config = written(tmp_path, FULL)
    for alert in alerts():
        receiver = "operator" if alert.audience is Audience.OPERATOR else "orchestrators"
        labels = (f"severity={alert.severity}", f"audience={alert.audience}", "instance=here")
        where = ("--config.file", config, f"--verify.receivers={receiver}")
        ran("amtool", "config", "routes", "test", *where, f"alertname={alert.name}", *labels)


def test_webhooks_have_the_token_by_file_and_nothing_secret_else() -> None:
    document = yaml.safe_load(alertmanager_file(FULL))
    hooks = {one["name"]: one["webhook_configs"][0] for one in document["receivers"]}
    assert hooks.keys() == {"operator", "orchestrators", f"owner of {ADDRESS}"}
    assert hooks[f"owner of {ADDRESS}"]["url"] == f"{URL}/owner"
    for hook in hooks.values():
        assert hook["http_config"] == {"authorization": {"credentials_file": "/etc/token"}}


def test_as_shipped_nobody_is_told_by_chance() -> None:
    document = yaml.safe_load(alertmanager_file())
    assert [set(one) for one in document["receivers"]] == [{"name"}] * 3


# What mutes what, by an Alertmanager that runs


@contextmanager
def running(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [
        tool("prometheus-alertmanager"),
        f"--config.file={written(folder)}",
        f"--storage.path={folder / 'state'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not ready(url):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield url
    finally:
        process.kill()
        process.wait(30)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("alertmanager")) as url:
        yield url


def muted(url: str, source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether the one alert is not told while the other one fires.

    A third one that another one surely mutes comes last: once it is muted, all is known.
    """
    case = f"case-{time.monotonic_ns()}"
    sure = alert("NetworkDown", Severity.CRITICAL, {"instance": case})
    late = alert("NothingTested", Severity.CRITICAL, {"instance": case})
    posted = [one | {"case": case} for one in (target, source, late, sure)]
    post(url, posted)
    deadline = time.monotonic() + 30
    while not inhibited(url, case, posted[2]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not inhibited(url, case, posted[1])
    result = inhibited(url, case, posted[0])
    post(url, posted, endsAt="2020-01-01T00:00:00Z")
    return result


def inhibited(url: str, case: str, labels: dict[str, str]) -> bool:
    asked = httpx.get(f"{url}/api/v2/alerts", params={"filter": f'case="{case}"'}, trust_env=False)
    found = next((one for one in asked.json() if one["labels"] == labels), None)
    return found is not None and bool(found["status"]["inhibitedBy"])


def post(url: str, labels: list[dict[str, str]], **more: str) -> None:
    body = [{"labels": one, **more} for one in labels]
    answer = httpx.post(f"{url}/api/v2/alerts", json=body, trust_env=False)
    assert answer.status_code == httpx.codes.OK, answer.text


def alert(name: str, severity: Severity, labels: dict[str, str]) -> dict[str, str]:
    found = next(one for one in alerts() if one.key == (f"LivepeerAi{name}", severity))
    named = {"alertname": found.name, "severity": str(severity), "audience": str(found.audience)}
    return named | labels


CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
STREAK = alert("ConsecutiveFailures", CRITICAL, TARGET)
ANOTHER = {**TARGET, "model_name": "another"}
FIRST_NODE = {"instance": "here", "node": "a"}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (STREAK, alert("ConsecutiveFailures", WARNING, TARGET)),
        (STREAK, alert("SuccessLow", CRITICAL, TARGET)),
        (STREAK, alert("SuccessLow", WARNING, TARGET)),
        (alert("NetworkDown", CRITICAL, HERE), STREAK),
        (alert("TesterDown", CRITICAL, {"job": "livepeer-exporter-probe", **HERE}), STREAK),
        (alert("NothingTested", CRITICAL, HERE), alert("OrchestratorUnreachable", INFO, TARGET)),
        (
            alert("NetworkDown", CRITICAL, HERE),
            alert("SourceDown", WARNING, {"source": "g", **HERE}),
        ),
        (alert("NetworkDown", CRITICAL, HERE), alert("NothingTested", CRITICAL, HERE)),
        (alert("CannotStore", CRITICAL, HERE), alert("NothingTested", CRITICAL, HERE)),
        (alert("BudgetReached", WARNING, HERE), alert("NothingTested", CRITICAL, HERE)),
        (alert("TesterDown", CRITICAL, HERE), alert("DiscoveryStale", CRITICAL, HERE)),
        (
            alert("OrchestratorVanished", CRITICAL, {"orchestrator_address": ADDRESS, **HERE}),
            alert("OrchestratorUnreachable", INFO, {**TARGET, "registry": "ai"}),
        ),
        (alert("EthereumNodeDown", CRITICAL, HERE), alert("EthereumNodeDown", WARNING, FIRST_NODE)),
        (
            alert("AccountConcern", CRITICAL, {"reason": "no_reserve", **HERE}),
            alert("AccountConcern", WARNING, {"reason": "few_days", **HERE}),
        ),
    ],
)
def test_what_is_said_already_or_cannot_be_known_is_muted(
    alertmanager: str, source: dict[str, str], target: dict[str, str]
) -> None:
    assert muted(alertmanager, source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (STREAK, alert("ConsecutiveFailures", WARNING, ANOTHER)),
        (STREAK, alert("SlowerThanBefore", WARNING, TARGET)),
        (alert("NetworkDown", CRITICAL, {"instance": "there"}), STREAK),
        (alert("NothingTested", CRITICAL, {"instance": "there"}), STREAK),
        (alert("BudgetReached", WARNING, HERE), STREAK),
        (alert("NetworkDown", CRITICAL, HERE), alert("TesterDown", CRITICAL, HERE)),
        (alert("NetworkDown", CRITICAL, HERE), alert("CannotStore", CRITICAL, HERE)),
        (
            alert("ConsumerFailing", CRITICAL, {"consumer": "store", **HERE}),
            alert("ConsumerFailing", WARNING, {"consumer": "post_stats:lb", **HERE}),
        ),
        (
            alert("OrchestratorVanished", CRITICAL, {"orchestrator_address": OTHER, **HERE}),
            alert("OrchestratorUnreachable", INFO, {**TARGET, "registry": "ai"}),
        ),
    ],
)
def test_everything_else_is_told(
    alertmanager: str, source: dict[str, str], target: dict[str, str]
) -> None:
    assert not muted(alertmanager, source, target)
