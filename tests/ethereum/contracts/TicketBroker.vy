# pragma version 0.4.3
# Deposits and reserves of senders (gateways).
# Not as in the original: whoever calls says for whom, and no ETH is moved.

interface Controller:
    def getContract(_id: bytes32) -> address: view

interface RoundsManager:
    def currentRound() -> uint256: view

struct Sender:
    deposit: uint256
    withdrawRound: uint256

struct ReserveInfo:
    fundsRemaining: uint256
    claimedInCurrentRound: uint256

controller: Controller
unlockPeriod: public(uint256)
senders: HashMap[address, Sender]
reserves: HashMap[address, uint256]
claimed: HashMap[address, HashMap[uint256, uint256]]


@external
def setUp(_controller: address, _unlock_period: uint256):
    self.controller = Controller(_controller)
    self.unlockPeriod = _unlock_period


@internal
@view
def _round() -> uint256:
    rounds: address = staticcall self.controller.getContract(keccak256("RoundsManager"))
    return staticcall RoundsManager(rounds).currentRound()


@external
@view
def getSenderInfo(_sender: address) -> (Sender, ReserveInfo):
    return self.senders[_sender], ReserveInfo(
        fundsRemaining=self.reserves[_sender],
        claimedInCurrentRound=self.claimed[_sender][self._round()],
    )


@external
def fund(_sender: address, _deposit: uint256, _reserve: uint256):
    """
    Unlocked money is locked again by it, as in the original.
    """
    self.senders[_sender].deposit += _deposit
    self.senders[_sender].withdrawRound = 0
    self.reserves[_sender] += _reserve


@external
def redeem(_sender: address, _face_value: uint256):
    """
    A winning ticket is paid from the deposit, and what is missing from the reserve.
    """
    paid: uint256 = min(_face_value, self.senders[_sender].deposit)
    self.senders[_sender].deposit -= paid
    rest: uint256 = min(_face_value - paid, self.reserves[_sender])
    self.reserves[_sender] -= rest
    self.claimed[_sender][self._round()] += rest


@external
def unlock(_sender: address):
    self.senders[_sender].withdrawRound = self._round() + self.unlockPeriod


@external
def cancelUnlock(_sender: address):
    self.senders[_sender].withdrawRound = 0


@external
def withdraw(_sender: address):
    due: uint256 = self.senders[_sender].withdrawRound
    assert due != 0 and due <= self._round(), "still locked"
    self.senders[_sender] = empty(Sender)
    self.reserves[_sender] = 0
