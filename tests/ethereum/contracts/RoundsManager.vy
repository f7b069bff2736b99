# pragma version 0.4.3
# Rounds are counted in blocks of Ethereum (L1), of which this contract is told; they have nothing
# to do with the height of the chain on which it lies. A round begins by itself and is initialized
# when somebody asks for it.

interface Controller:
    def getContract(_id: bytes32) -> address: view

interface BondingManager:
    def setCurrentRoundTotalActiveStake(): nonpayable

event NewRound:
    round: indexed(uint256)
    blockHash: bytes32

controller: Controller
firstRound: uint256
firstBlock: uint256
blockNum: public(uint256)
roundLength: public(uint256)
lastInitializedRound: public(uint256)


@external
def setUp(_controller: address, _round: uint256, _block: uint256, _length: uint256):
    self.controller = Controller(_controller)
    self.firstRound = _round
    self.firstBlock = _block
    self.blockNum = _block
    self.roundLength = _length
    self.lastInitializedRound = _round


@internal
@view
def _round() -> uint256:
    return self.firstRound + (self.blockNum - self.firstBlock) // self.roundLength


@external
@view
def currentRound() -> uint256:
    return self._round()


@external
@view
def currentRoundStartBlock() -> uint256:
    return self.firstBlock + (self._round() - self.firstRound) * self.roundLength


@external
@view
def currentRoundInitialized() -> bool:
    return self.lastInitializedRound == self._round()


@external
def passBlocks(_blocks: uint256):
    self.blockNum += _blocks


@external
def initializeRound():
    current: uint256 = self._round()
    assert self.lastInitializedRound < current, "round already initialized"
    self.lastInitializedRound = current
    bonding: address = staticcall self.controller.getContract(keccak256("BondingManager"))
    extcall BondingManager(bonding).setCurrentRoundTotalActiveStake()
    log NewRound(round=current, blockHash=blockhash(block.number - 1))
