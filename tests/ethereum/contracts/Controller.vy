# pragma version 0.4.3
# The address of each of Livepeer's contracts, by the keccak256 of its name.

event SetContractInfo:
    id: bytes32
    contractAddress: address
    gitCommitHash: bytes20

# Nobody (the zero address) where no such contract is known.
getContract: public(HashMap[bytes32, address])


@external
def setContractInfo(_id: bytes32, _contract: address, _commit: bytes20):
    self.getContract[_id] = _contract
    log SetContractInfo(id=_id, contractAddress=_contract, gitCommitHash=_commit)
