# pragma version 0.4.3
# Built into every Arbitrum chain: the height, which `block.number` there is not.


@external
@view
def arbBlockNumber() -> uint256:
    return block.number
