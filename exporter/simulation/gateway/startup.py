"""How a gateway's process comes up and goes down, line by line, with the ways it ends early."""

import sqlite3
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.chain_client import ChainFailed
from exporter.simulation.gateway.chain_reader import ChainReader, StepFailed
from exporter.simulation.gateway.data_folder import stored_chain
from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.glog import GatewayLog
from exporter.simulation.gateway.keystore import AccountRefused, Keystore, password_of
from exporter.simulation.gateway.listening import PortTaken

_CONTROLLERS: Final = {
    "mainnet": "0xf96d54e490317c557a967abfa5d6e33006be69b3",
    "arbitrum-one-mainnet": "0xD8E8328501E9645d16Cf49539efC04f734606ee4",
}
_CHAINS: Final = frozenset({1, 42161, 1337, 54321, 683179, 421614})


class StartFailed(Exception):
    """The process ended before it served; `exit_code` is how."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class TakenPorts(NamedTuple):
    """Which of the three ports are taken."""

    http: PortTaken | None
    cli: PortTaken | None
    rtmp: PortTaken | None


class Startup:
    """The start of one process. `chain_id` and `account` are known once it is prepared.

    `chain` is what an on-chain gateway reads from the chain.
    """

    def __init__(
        self,
        flags: GatewayFlags,
        log: GatewayLog,
        rng: Random,
        version: str,
        chain: ChainReader | None,
    ) -> None:
        self._flags = flags
        self._version = version
        self._log = log
        self._rng = rng
        self._chain = chain
        self.chain_id = 0
        self.account: str | None = None

    async def prepare(self) -> None:
        """Everything before discovery is set up. Raises `StartFailed`."""
        flags, log = self._flags, self._log
        log.plain(start_table(flags))
        controller = self._controller()
        if controller:
            log.say(messages.NETWORK_AND_CONTROLLER, network=flags.network, controller=controller)
        else:
            log.say(messages.NETWORK, network=flags.network)
        folder = Path(flags.data_dir) if flags.data_dir else None
        if folder is not None and not folder.exists():
            log.say(messages.MAKING_FOLDER, path=folder)
            folder.mkdir(parents=True, exist_ok=True)
        log.say(messages.DATABASE_OPEN)
        if not flags.gateway:
            log.say(messages.NO_SERVICES)
            raise StartFailed("no services enabled", 1)
        if self._chain is None:
            log.say(messages.OFF_CHAIN)
            self._check_chain(folder, 0)
            return
        if not flags.eth_url:
            log.say(messages.NO_ETH_URL)
            raise StartFailed("no -ethUrl", 1)
        self.chain_id = await self._ask_chain(self._chain)
        if self.chain_id not in _CHAINS:
            log.say(messages.CHAIN_UNSUPPORTED, chain=self.chain_id)
            raise StartFailed("chain not supported", 0)
        self._check_chain(folder, self.chain_id)
        self._open_account(folder)
        await self._read_chain(self._chain, self.account or "", controller)

    def discovering(self) -> None:
        """How orchestrators will be found."""
        if self._flags.orch_webhook_url:
            self._log.say(messages.WEBHOOK_USED, url=self._flags.orch_webhook_url)
        elif not self._flags.orch_addr and not self._flags.on_chain:
            self._log.say(messages.NO_DISCOVERY)

    def serving(self, http: str, cli: str, rtmp: str) -> None:
        """The ports that will be opened."""
        log = self._log
        log.say(messages.GATEWAY_MODE)
        log.say(messages.INGEST, address=rtmp)
        log.say(messages.NODE_VERSION, version=self._version)
        log.say(messages.CLI_LISTENING, address=cli)
        log.say(messages.PROFILES)
        log.say(messages.HTTP_LISTENING, address=http)
        log.say(messages.RTMP_LISTENING, address=rtmp)

    def ports_taken(self, taken: TakenPorts) -> StartFailed:
        """Ports are taken: the process ends, and by its exit code nothing was wrong."""
        log = self._log
        if taken.http is not None:
            log.say(messages.HTTP_TAKEN, error=taken.http.text)
        if taken.cli is not None:
            log.say(messages.CLI_CLOSED, error=taken.cli.text)
        if taken.rtmp is not None:
            log.say(messages.RTMP_TAKEN, error=taken.rtmp.text)
        media = taken.http or taken.rtmp
        if media is not None:
            log.say(messages.MEDIA_SERVER_FAILED, error=media.text)
        else:
            log.say(messages.CLI_SHUT_DOWN)
        self._closed()
        return StartFailed("a port is taken", 0)

    def stopped(self, reason: str) -> None:
        """A signal ended the process."""
        self._log.say(messages.EXITING, reason=reason)
        self._log.say(messages.CLI_CLOSED, error="http: Server closed")
        self._closed()

    def _closed(self) -> None:
        self._log.say(messages.DATABASE_CLOSED)
        self._log.say(messages.SHUT_DOWN)

    def _check_chain(self, folder: Path | None, chain: int) -> None:
        if folder is None:
            return
        try:
            stored = stored_chain(folder, chain)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._log.say(messages.DATABASE_REFUSED, error=error)
            raise StartFailed("the database cannot be used", 0) from error
        if stored != chain:
            self._log.say(messages.WRONG_CHAIN, stored=stored, found=chain)
            self._log.say(messages.DATABASE_CLOSED)
            raise StartFailed("another chain", 0)

    async def _ask_chain(self, chain: ChainReader) -> int:
        try:
            return await chain.node.number("eth_chainId")
        except ChainFailed as error:
            self._log.say(messages.NO_CHAIN_ID, error=error)
            raise StartFailed("the Ethereum node does not answer", 0) from error

    async def _read_chain(self, chain: ChainReader, account: str, controller: str) -> None:
        """Some 20 calls, one after the other; with the first that fails it is over."""
        try:
            await chain.begin(account, controller, reward=self._flags.reward)
        except StepFailed as failed:
            self._log.say(failed.message, error=failed.error)
            raise StartFailed("the chain cannot be read", 0) from failed
        self._log.say(messages.DEPOSIT, amount=chain.sender.deposit)
        self._log.say(messages.RESERVE, amount=chain.sender.reserve)

    def _controller(self) -> str:
        return self._flags.eth_controller or _CONTROLLERS.get(self._flags.network, "")

    def _open_account(self, folder: Path | None) -> None:
        flags, log = self._flags, self._log
        path = Path(flags.eth_keystore_path) if flags.eth_keystore_path else None
        wanted = flags.eth_acct_addr
        if path is not None and path.is_file():
            found = Keystore(path.parent, self._rng).find("")
            wanted = wanted or (found[0] if found is not None else "")
            path = None
        if path is None:
            path = (folder or Path()) / "keystore"
        keystore = Keystore(path, self._rng)
        found = keystore.find(wanted)
        if found is None:
            log.say(messages.ACCOUNT_MISSING)
            try:
                found = keystore.create(flags.eth_password)
            except (AccountRefused, OSError) as error:
                log.say(messages.ACCOUNT_REFUSED, error=error)
                raise StartFailed("no account", 0) from error
        else:
            log.say(messages.ACCOUNT_FOUND)
        self.account, file = found
        log.say(messages.ACCOUNT_USED, address=self.account)
        try:
            keystore.unlock(file, password_of(flags.eth_password))
        except AccountRefused as error:
            log.say(messages.UNLOCK_FAILED, error=error)
            raise StartFailed("the account cannot be unlocked", 0) from error
        log.say(messages.ACCOUNT_UNLOCKED, address=self.account)


def start_table(flags: GatewayFlags) -> str:
    """What was set on the command line and differs from the defaults, in a frame of stars."""
    if not flags.set_flags:
        return ""
    names = max(len(name) for name, _ in flags.set_flags)
    values = max(len(value) for _, value in flags.set_flags)
    frame = f"*{'-' * (names + 2)}*{'-' * (values + 2)}*"
    rows = [f"| {name:<{names}} | {value:<{values}} |" for name, value in flags.set_flags]
    return "\n".join([frame, *rows, frame])
