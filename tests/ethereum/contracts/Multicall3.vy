# pragma version 0.4.3
# Many calls in one. The call of an address without code succeeds, and gives nothing.
# Not as in the original: more than 1500 calls are refused, and so is an answer of 8192 bytes or more.

ARB_SYS: constant(address) = 0x0000000000000000000000000000000000000064

struct Call3:
    target: address
    allowFailure: bool
    callData: Bytes[8192]

struct Result:
    success: bool
    returnData: Bytes[8192]


@external
@payable
def aggregate3(_calls: DynArray[Call3, 1500]) -> DynArray[Result, 1500]:
    results: DynArray[Result, 1500] = []
    for call: Call3 in _calls:
        success: bool = False
        data: Bytes[8192] = b""
        success, data = raw_call(
            call.target, call.callData, max_outsize=8192, revert_on_failure=False
        )
        assert success or call.allowFailure, "Multicall3: call failed"
        assert len(data) < 8192, "a longer answer than is modelled"
        results.append(Result(success=success, returnData=data))
    return results


@external
@view
def getBlockNumber() -> uint256:
    """
    On Arbitrum an estimate of the height of Ethereum.
    """
    if ARB_SYS.is_contract:
        return 20000000 + block.number // 48
    return block.number


@external
@view
def getCurrentBlockTimestamp() -> uint256:
    return block.timestamp
