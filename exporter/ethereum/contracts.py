"""Livepeer's contracts on Arbitrum: functions, ids, events and known addresses.

Sources: the ABI files and addresses of livepeer/protocol (branch `delta`, `deployments/
arbitrumMainnet`) and of go-livepeer (`cmd/livepeer/starter`). The proxies keep their address; the
Controller says which one holds now, the table below is only what it is compared with.
"""

from typing import Final

from eth_utils.crypto import keccak

from exporter.ethereum.abi import Function

NOBODY: Final = "0x" + "0" * 40
FOR_EVER: Final = 2**256 - 1
"""`deactivationRound` of who has no end set."""
PER_MILLION: Final = 1_000_000
WEI: Final = 10**18
"""Of one LPT, and of one ETH."""

KNOWN: Final = {
    42161: {
        "BondingManager": "0x35bcf3c30594191d53231e4ff333e8a770453e40",
        "ServiceRegistry": "0xc92d3a360b8f9e083ba64de15d95cf8180897431",
        "RoundsManager": "0xdd6f56dcc28d3f5f27084381fe8df634985cc39f",
        "TicketBroker": "0xa8bb618b1520e284046f3dfc448851a1ff26e41b",
    }
}
"""By chain id: the addresses that the Controller is expected to name."""

# Controller
GET_CONTRACT: Final = Function("getContract(bytes32)", ("address",))

# BondingManager
FIRST_IN_POOL: Final = Function("getFirstTranscoderInPool()", ("address",))
NEXT_IN_POOL: Final = Function("getNextTranscoderInPool(address)", ("address",))
POOL_SIZE: Final = Function("getTranscoderPoolSize()", ("uint256",))
POOL_MAX_SIZE: Final = Function("getTranscoderPoolMaxSize()", ("uint256",))
IS_ACTIVE: Final = Function("isActiveTranscoder(address)", ("bool",))
IS_REGISTERED: Final = Function("isRegisteredTranscoder(address)", ("bool",))
TOTAL_STAKE: Final = Function("transcoderTotalStake(address)", ("uint256",))
TRANSCODER: Final = Function("getTranscoder(address)", ("uint256",) * 10)
"""lastRewardRound, rewardCut, feeShare, lastActiveStakeUpdateRound, activationRound,
deactivationRound, activeCumulativeRewards, cumulativeRewards, cumulativeFees, lastFeeRound."""
EARNINGS_POOL: Final = Function(
    "getTranscoderEarningsPoolForRound(address,uint256)", ("uint256",) * 5
)
TOTAL_BONDED: Final = Function("getTotalBonded()", ("uint256",))

# ServiceRegistry and AI ServiceRegistry
SERVICE_URI: Final = Function("getServiceURI(address)", ("string",))

# RoundsManager: its block numbers are those of Ethereum (L1), not the heights of `eth_blockNumber`
CURRENT_ROUND: Final = Function("currentRound()", ("uint256",))
ROUND_INITIALIZED: Final = Function("currentRoundInitialized()", ("bool",))
LAST_INITIALIZED_ROUND: Final = Function("lastInitializedRound()", ("uint256",))
ROUND_START_BLOCK: Final = Function("currentRoundStartBlock()", ("uint256",))
ROUND_LENGTH: Final = Function("roundLength()", ("uint256",))
ROUND_BLOCK: Final = Function("blockNum()", ("uint256",))

# TicketBroker
SENDER_INFO: Final = Function("getSenderInfo(address)", ("uint256",) * 4)
"""deposit, withdrawRound; reserve's fundsRemaining, claimedInCurrentRound (static structs)."""

# Multicall3
AGGREGATE: Final = Function("aggregate3((address,bool,bytes)[])", ("(bool,bytes)[]",))
BLOCK_NUMBER: Final = Function("getBlockNumber()", ("uint256",))
"""On Arbitrum an estimate of Ethereum's (L1); elsewhere the height of the chain."""
BLOCK_TIME: Final = Function("getCurrentBlockTimestamp()", ("uint256",))
"""Unix seconds."""

# ArbSys, which every Arbitrum chain has built in
ARB_SYS: Final = "0x" + "0" * 38 + "64"
ARB_BLOCK_NUMBER: Final = Function("arbBlockNumber()", ("uint256",))
"""The height (L2), which `eth_blockNumber` gives too."""

TOPICS: Final = {
    name: "0x" + keccak(text=signature).hex()
    for name, signature in (
        ("TranscoderActivated", "TranscoderActivated(address,uint256)"),
        ("TranscoderDeactivated", "TranscoderDeactivated(address,uint256)"),
        ("TranscoderUpdate", "TranscoderUpdate(address,uint256,uint256)"),
        ("ServiceURIUpdate", "ServiceURIUpdate(address,string)"),
        ("NewRound", "NewRound(uint256,bytes32)"),
        ("SetContractInfo", "SetContractInfo(bytes32,address,bytes20)"),
    )
}
"""Topic 0 of the events that tell of changes of the set."""


def contract_id(name: str) -> bytes:
    """By which the Controller knows a contract: keccak256 of its name."""
    return keccak(text=name)
