"""What the gateway writes to its log: severity, verbosity, place in the source, wording."""

from typing import Final, NamedTuple

ALWAYS: Final = 0
DEBUG: Final = 5
VERBOSE: Final = 6


class Message(NamedTuple):
    """One kind of line; `text` is a format string, `level` the `-v` from which it is written."""

    severity: str
    place: str
    text: str
    level: int = ALWAYS


# The life of one request, in about the order in which its lines come.
RECEIVED_LLM: Final = Message(
    "I",
    "ai_mediaserver.go:321",
    "Received LLM request model_id={model} stream={stream}",
    VERBOSE,
)
RECEIVED_VIDEO: Final = Message(
    "I",
    "ai_mediaserver.go:215",
    "Received ImageToVideo request imageSize={size} model_id={model} async={later}",
    VERBOSE,
)
RECEIVED: Final = Message(
    "I", "ai_process.go:1492", "Received AI request model_id={model}", VERBOSE
)
SELECTING: Final = Message(
    "I", "ai_session.go:499", "selecting orchestrator for modelID={model}", DEBUG
)
REFRESHING: Final = Message(
    "I", "ai_session.go:320", "refreshing sessions, no orchestrators in pools"
)
REFRESH_FAILED: Final = Message(
    "I", "ai_session.go:356", "Error refreshing AISessionSelector err={error}"
)
CONNECTING: Final = Message("I", "rpc.go:428", "Connecting RPC to uri={uri}", DEBUG)
ORCHESTRATOR_ANSWERED: Final = Message(
    "I",
    "discovery.go:187",
    "Received GetOrchInfo RPC Response from uri={uri}, latency={latency}",
    DEBUG,
)
DISCOVERY_UNSUCCESSFUL: Final = Message(
    "I", "discovery.go:234", "Discovery unsuccessful for orchestrator {uri}, err={error}", DEBUG
)
WAITING_LONGER: Final = Message(
    "I",
    "discovery.go:293",
    "No orchestrators found, increasing discovery timeout to {timeout}",
    DEBUG,
)
DONE_FETCHING: Final = Message(
    "I",
    "discovery.go:333",
    "Done fetching orch info orchs={found}/{wanted} responses={answers}/{asked} "
    "timedOut={timed_out}",
)
NONE_FOUND: Final = Message("I", "broadcast.go:875", "No orchestrators found; not transcoding")
NONE_FOUND_WITH_ERROR: Final = Message(
    "E", "broadcast.go:875", "No orchestrators found; not transcoding err={error}"
)
SKIPPING_SUSPENDED: Final = Message(
    "I", "ai_session.go:411", "skipping suspended orchestrator={url}", DEBUG
)
ABOVE_PRICE: Final = Message(
    "W",
    "selection_algorithm.go:95",
    "Orchestrator {address} is above max price {limit}, price={price}",
)
ABOVE_PRICE_IGNORED: Final = Message(
    "W",
    "selection_algorithm.go:74",
    "No Orchestrators passed max price filter, not using the filter, numAddrs={count}, "
    "maxPrice={limit}, prices={prices}, addrs={addresses}",
)
CHOOSING: Final = Message("I", "ai_session.go:55", "Selecting orchestrator, try={number}", DEBUG)
CHOSEN_FROM: Final = Message(
    "I",
    "selection.go:156",
    "Selected orchestrator {url} from available list: [{urls}]",
    DEBUG,
)
CHOOSING_FAILED: Final = Message(
    "W", "ai_session.go:81", "Selecting orchestrator failed, max tries number reached"
)
SELECTED: Final = Message(
    "I", "ai_session.go:514", "selected orchestrator={url} warm={warm}", DEBUG
)
SELECTION_FAILED: Final = Message(
    "I", "ai_process.go:1522", "Error selecting session modelID={model} err={error}"
)
NO_PAYMENT: Final = Message("E", "ai_process.go:1660", "Could not create payment err={error}")
ATTEMPT_FAILED: Final = Message(
    "I",
    "ai_process.go:1569",
    "Error submitting request modelID={model} try={number} orch={url} err={error}",
)
ATTEMPT_KEPT: Final = Message(
    "I",
    "ai_process.go:1557",
    "Error submitting request with non-retryable error modelID={model} try={number} orch={url} "
    "err={error}",
)
ATTEMPT_REPEATED: Final = Message(
    "I",
    "ai_process.go:1549",
    "Error submitting request with retryable error modelID={model} try={number} orch={url} "
    "err={error}",
)
_PROCESSED: Final = "Processed AI request model_id={model} took={took}"
PROCESSED: Final = Message("I", "ai_process.go:1604", _PROCESSED)
PROCESSED_TOO_LATE: Final = Message("I", "ai_process.go:1515", _PROCESSED)
PROCESSED_BAD_AUDIO: Final = Message("I", "ai_process.go:1573", _PROCESSED)
PROCESSED_BAD_REQUEST: Final = Message("I", "ai_process.go:1577", _PROCESSED)
PROCESSED_PANIC: Final = Message("I", "panic.go:860", _PROCESSED)
PROCESSED_LLM: Final = Message(
    "I",
    "ai_mediaserver.go:342",
    "Processed LLM request model_id={model} took={took}",
    VERBOSE,
)
PROCESSED_VIDEO: Final = Message(
    "I",
    "ai_mediaserver.go:241",
    "Processed ImageToVideo request imageSize={size} model_id={model} took={took}",
)
SAVED_VIDEO_REQUEST: Final = Message(
    "I", "ai_mediaserver.go:263", "Saved ImageToVideo request path={path}"
)
DOWNLOADING: Final = Message("I", "os.go:77", "Downloading uri={uri}", VERBOSE)
DOWNLOADED: Final = Message(
    "I", "os.go:95", "Downloaded uri={uri} dur={took} bytes={size}", VERBOSE
)
NOT_DOWNLOADED: Final = Message("E", "os.go:84", "Error getting HTTP uri={uri} err={error}")
DOWNLOAD_REFUSED: Final = Message("E", "os.go:89", "Non-200 response for status={status} uri={uri}")
DOWNLOAD_CUT: Final = Message("E", "os.go:94", "Error reading body uri={uri} err={error}")
API_ERROR: Final = Message("E", "handlers.go:1718", "Error with API code={code} err={error}")

# The rest of the two ports.
METHOD_REFUSED: Final = Message(
    "E",
    "ai_mediaserver.go:76",
    "oapi validation error statusCode=404 message=method not allowed",
)
MEDIA_ASKED: Final = Message("I", "player.go:105", "LPMS got HTTP request @ {path}", 4)
MEDIA_MISSING: Final = Message("E", "player.go:163", "Error getting segment {path}: ErrNotFound")
NO_POOLS: Final = Message("W", "handlers.go:365", "Orchestrator pools are not yet initialized")
CLI_ERROR: Final = Message(
    "E", "handlers.go:1750", "HTTP Response Error statusCode={code} err={error}"
)

# The webhook.
HOOK_UNREACHABLE: Final = Message(
    "E", "wh_discovery.go:188", "Unable to make webhook request {error}"
)
HOOK_STATUS: Final = Message("E", "wh_discovery.go:194", "{error}")
HOOK_UNREADABLE: Final = Message("E", "wh_discovery.go:210", "Unable to unmarshal JSON {error}")
HOOK_ADDRESS: Final = Message(
    "E", "wh_discovery.go:216", "Unable to parse address  {address} : {error}"
)

# Start and end of the process.
NETWORK: Final = Message(
    "I", "starter.go:601", "***Livepeer is running on the {network} network***"
)
NETWORK_AND_CONTROLLER: Final = Message(
    "I",
    "starter.go:598",
    "***Livepeer is running on the {network} network: {controller}***",
)
NO_SERVICES: Final = Message(
    "E",
    "starter.go:2280",
    "No services enabled; must be at least one of -gateway, -transcoder, -aiWorker, "
    "-orchestrator, -redeemer, -reward or -initializeRound",
)
MAKING_FOLDER: Final = Message("I", "starter.go:618", "Creating data dir: {path}")
DATABASE_OPEN: Final = Message("I", "db.go:363", "Initialized DB node")
DATABASE_REFUSED: Final = Message("E", "starter.go:637", "Error opening DB: {error}")
OFF_CHAIN: Final = Message("I", "starter.go:798", "***Livepeer is in off-chain mode***")
WRONG_CHAIN: Final = Message(
    "E",
    "starter.go:801",
    "expecting chainID of {stored}, but got {found}. Did you change networks without changing "
    "network name or datadir?",
)
NO_ETH_URL: Final = Message(
    "E", "starter.go:842", "Need to specify an Ethereum node JSON-RPC URL using -ethUrl"
)
NO_CHAIN_ID: Final = Message(
    "E",
    "starter.go:854",
    "failed to get chain ID from remote ethereum node: {error}",
)
CHAIN_UNSUPPORTED: Final = Message(
    "E", "starter.go:859", "node does not support chainID = {chain} right now"
)
NO_CONTRACTS: Final = Message(
    "E", "starter.go:934", "Failed to create Livepeer Ethereum client: {error}"
)
NO_GAS_PRICE: Final = Message("E", "starter.go:913", "Error starting gas price monitor: {error}")
NO_ROUNDS: Final = Message("E", "starter.go:1010", "Failed to setup roundswatcher: {error}")
NO_SENDER: Final = Message(
    "E", "starter.go:1290", "Failed to get broadcaster on-chain info: {error}"
)
NO_BLOCK: Final = Message("E", "starter.go:1560", "Failed to backfill events: {error}")
NO_REWARD: Final = Message("E", "starter.go:1130", "Error getting transcoder: {error}")
DEPOSIT: Final = Message("I", "starter.go:1295", "Broadcaster Deposit: {amount}")
RESERVE: Final = Message("I", "starter.go:1296", "Broadcaster Reserve: {amount}")
WATCH_FAILED: Final = Message(
    "E",
    "block_watcher.go:113",
    "blockwatch.Watcher error encountered - trying again on next polling interval err={error}",
)
GAS_PRICE: Final = Message("I", "gaspricemonitor.go:128", "Cached gas price: {price}", DEBUG)
GAS_PRICE_FAILED: Final = Message("E", "gaspricemonitor.go:88", "error getting gas price: {error}")
NO_CHAIN_POOL: Final = Message(
    "E", "starter.go:1729", "Could not create orchestrator pool with DB cache: {error}"
)
CHAIN_POOL_USED: Final = Message(
    "I", "db_discovery.go:331", "Using DB orchestrator pool with {count} orchestrators"
)
FIXED_POOL_USED: Final = Message(
    "I", "db_discovery.go:312", "Using orchestrator pool with {count} orchestrators"
)
NOT_POLLED: Final = Message("E", "db_discovery.go:409", "{error}")
WALK_FAILED: Final = Message("E", "db_discovery.go:176", "Error caching orchestrators: {error}")
ACCOUNT_MISSING: Final = Message("I", "accountmanager.go:68", "Please create a new ETH account")
ACCOUNT_FOUND: Final = Message("I", "accountmanager.go:76", "Found existing ETH account")
ACCOUNT_USED: Final = Message("I", "accountmanager.go:85", "Using ETH account: {address}")
ACCOUNT_UNLOCKED: Final = Message("I", "accountmanager.go:118", "ETH account {address} unlocked")
UNLOCK_FAILED: Final = Message("E", "starter.go:894", "Error unlocking Ethereum account: {error}")
ACCOUNT_REFUSED: Final = Message(
    "E", "starter.go:889", "Error creating Ethereum account manager: {error}"
)
PRICES_UNREADABLE: Final = Message(
    "E", "starter.go:1350", "Error while parsing max price per capability: {error}"
)
WEBHOOK_USED: Final = Message("I", "starter.go:1707", "Using orchestrator webhook URL {url}")
NO_DISCOVERY: Final = Message(
    "E", "starter.go:1744", "No orchestrator specified; transcoding will not happen"
)
GATEWAY_MODE: Final = Message("I", "starter.go:2122", "***Livepeer Running in Gateway Mode***")
INGEST: Final = Message("I", "starter.go:2123", "Video Ingest Endpoint - rtmp://{address}")
NODE_VERSION: Final = Message("I", "starter.go:2132", "Livepeer Node version: {version}")
CLI_LISTENING: Final = Message("I", "webserver.go:23", "CLI server listening on {address}")
CLI_CLOSED: Final = Message("E", "webserver.go:25", "{error}")
PROFILES: Final = Message(
    "I",
    "mediaserver.go:223",
    "Transcode Job Type: [{{P240p30fps16x9 600k 30 0 426x240 16:9 0 0 0s 0 0 0 0}} "
    "{{P360p30fps16x9 1200k 30 0 640x360 16:9 0 0 0s 0 0 0 0}}]",
)
HTTP_LISTENING: Final = Message(
    "I", "mediaserver.go:251", "HTTP Server listening on http://{address}"
)
RTMP_LISTENING: Final = Message("I", "lpms.go:92", "LPMS Server listening on rtmp://{address}")
HTTP_TAKEN: Final = Message("I", "mediaserver.go:258", "LPMS Server Error: {error}.  Quitting...")
RTMP_TAKEN: Final = Message("E", "lpms.go:107", "LPMS Server Error: {error}.  Quitting...")
MEDIA_SERVER_FAILED: Final = Message("I", "starter.go:2139", "Error from media server: {error}")
CLI_SHUT_DOWN: Final = Message("I", "starter.go:2143", "CLI webserver shut down")
EXITING: Final = Message("I", "livepeer.go:98", "Exiting Livepeer: {reason}")
DATABASE_CLOSED: Final = Message("I", "db.go:368", "Closing DB")
SHUT_DOWN: Final = Message("I", "livepeer.go:105", "Graceful shutdown complete")
