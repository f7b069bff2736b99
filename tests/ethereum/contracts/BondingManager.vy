# pragma version 0.4.3
# Stake, and the pool: a list sorted by stake that is the set of the NEXT round.
# Not as in the original: whoever calls says who bonds; rewards are given; there is no LPT.

interface Controller:
    def getContract(_id: bytes32) -> address: view

interface RoundsManager:
    def currentRound() -> uint256: view
    def currentRoundInitialized() -> bool: view

struct Transcoder:
    lastRewardRound: uint256
    rewardCut: uint256
    feeShare: uint256
    lastActiveStakeUpdateRound: uint256
    activationRound: uint256
    deactivationRound: uint256
    activeCumulativeRewards: uint256
    cumulativeRewards: uint256
    cumulativeFees: uint256
    lastFeeRound: uint256

struct EarningsPool:
    totalStake: uint256
    transcoderRewardCut: uint256
    transcoderFeeShare: uint256
    cumulativeRewardFactor: uint256
    cumulativeFeeFactor: uint256

struct Delegator:
    bonded: uint256
    delegate: address
    delegated: uint256  # to it, by itself and others

struct Member:
    stake: uint256
    before: address
    after: address

event TranscoderActivated:
    transcoder: indexed(address)
    activationRound: uint256

event TranscoderDeactivated:
    transcoder: indexed(address)
    deactivationRound: uint256

event TranscoderUpdate:
    transcoder: indexed(address)
    rewardCut: uint256
    feeShare: uint256

FOR_EVER: constant(uint256) = max_value(uint256)

controller: Controller
transcoders: HashMap[address, Transcoder]
earnings: HashMap[address, HashMap[uint256, EarningsPool]]
delegators: HashMap[address, Delegator]
totalActiveStake: uint256
nextRoundTotalActiveStake: uint256

first: address
last: address
size: uint256
maxSize: uint256
members: HashMap[address, Member]


@external
def setUp(_controller: address, _max_size: uint256):
    self.controller = Controller(_controller)
    self.maxSize = _max_size


@external
def setNumActiveTranscoders(_max_size: uint256):
    """
    Nobody is evicted by it.
    """
    self.maxSize = _max_size


# The pool

@internal
@view
def _contains(_who: address) -> bool:
    return self.members[_who].stake > 0


@internal
def _insert(_who: address, _stake: uint256):
    """
    Before its equals.
    """
    before: address = empty(address)
    after: address = self.first
    for _: uint256 in range(100000):
        if after == empty(address) or self.members[after].stake <= _stake:
            break
        before = after
        after = self.members[after].after
    self.members[_who] = Member(stake=_stake, before=before, after=after)
    self._link(before, _who)
    self._link(_who, after)
    self.size += 1


@internal
def _remove(_who: address):
    self._link(self.members[_who].before, self.members[_who].after)
    self.members[_who] = empty(Member)
    self.size -= 1


@internal
def _link(_before: address, _after: address):
    if _before == empty(address):
        self.first = _after
    else:
        self.members[_before].after = _after
    if _after == empty(address):
        self.last = _before
    else:
        self.members[_after].before = _before


@external
@view
def getFirstTranscoderInPool() -> address:
    return self.first


@external
@view
def getNextTranscoderInPool(_who: address) -> address:
    return self.members[_who].after


@external
@view
def getTranscoderPoolSize() -> uint256:
    return self.size


@external
@view
def getTranscoderPoolMaxSize() -> uint256:
    return self.maxSize


# Members

@internal
@view
def _rounds() -> RoundsManager:
    return RoundsManager(staticcall self.controller.getContract(keccak256("RoundsManager")))


@internal
@view
def _round() -> uint256:
    """
    For changes: they wait until the round is initialized.
    """
    rounds: RoundsManager = self._rounds()
    assert staticcall rounds.currentRoundInitialized(), "current round is not initialized"
    return staticcall rounds.currentRound()


@internal
@view
def _registered(_who: address) -> bool:
    return self.delegators[_who].delegate == _who and self.delegators[_who].bonded > 0


@external
@view
def isRegisteredTranscoder(_who: address) -> bool:
    return self._registered(_who)


@external
@view
def transcoderStatus(_who: address) -> uint8:
    return 1 if self._registered(_who) else 0


@internal
@view
def _active(_who: address, _current: uint256) -> bool:
    who: Transcoder = self.transcoders[_who]
    return who.activationRound <= _current and _current < who.deactivationRound


@external
@view
def isActiveTranscoder(_who: address) -> bool:
    return self._active(_who, staticcall self._rounds().currentRound())


@external
@view
def transcoderTotalStake(_who: address) -> uint256:
    return self.delegators[_who].delegated


@external
@view
def getTranscoder(_who: address) -> Transcoder:
    return self.transcoders[_who]


@external
@view
def getTranscoderEarningsPoolForRound(_who: address, _round: uint256) -> EarningsPool:
    return self.earnings[_who][_round]


@external
@view
def getTotalBonded() -> uint256:
    return self.totalActiveStake


@external
def setCurrentRoundTotalActiveStake():
    """
    By the RoundsManager, when a round is initialized.
    """
    self.totalActiveStake = self.nextRoundTotalActiveStake


# Who comes, changes and goes

@internal
def _try_to_join(_who: address, _stake: uint256, _activation: uint256):
    """
    A full pool has a place for who has more stake than its last, who is evicted.
    """
    if self.size >= self.maxSize:
        if _stake <= self.members[self.last].stake:
            return
        self._go(self.last, _activation)
    self._insert(_who, _stake)
    self.nextRoundTotalActiveStake += _stake
    self.transcoders[_who].lastActiveStakeUpdateRound = _activation
    self.transcoders[_who].activationRound = _activation
    self.transcoders[_who].deactivationRound = FOR_EVER
    self.earnings[_who][_activation].totalStake = _stake
    log TranscoderActivated(transcoder=_who, activationRound=_activation)


@internal
def _go(_who: address, _deactivation: uint256):
    """
    From the next round on; it is active until then.
    """
    self.nextRoundTotalActiveStake -= self.members[_who].stake
    self._remove(_who)
    self.transcoders[_who].deactivationRound = _deactivation
    log TranscoderDeactivated(transcoder=_who, deactivationRound=_deactivation)


@internal
def _restake(_who: address, _stake: uint256):
    self.nextRoundTotalActiveStake = self.nextRoundTotalActiveStake + _stake - self.members[_who].stake
    self._remove(_who)
    self._insert(_who, _stake)


@internal
def _write_stake(_who: address, _stake: uint256, _current: uint256):
    """
    The stake of a round is written only when it changes, of who is active or will be.
    """
    if self.transcoders[_who].lastActiveStakeUpdateRound < _current:
        self.earnings[_who][_current].totalStake = self.delegators[_who].delegated
    self.earnings[_who][_current + 1].totalStake = _stake
    self.transcoders[_who].lastActiveStakeUpdateRound = _current + 1


@internal
def _more(_who: address, _amount: uint256, _current: uint256):
    stake: uint256 = self.delegators[_who].delegated + _amount
    pooled: bool = self._contains(_who)
    written: bool = pooled or self._active(_who, _current)
    if pooled:
        self._restake(_who, stake)
    elif self._registered(_who):
        self._try_to_join(_who, stake, _current + 1)
    if written:
        self._write_stake(_who, stake, _current)
    self.delegators[_who].delegated = stake


@external
def bond(_delegator: address, _amount: uint256, _to: address):
    current: uint256 = self._round()
    delegate: address = self.delegators[_delegator].delegate
    assert _amount > 0 and (delegate == empty(address) or delegate == _to), "not modelled"
    self.delegators[_delegator].delegate = _to
    self.delegators[_delegator].bonded += _amount
    self._more(_to, _amount, current)


@external
def unbond(_delegator: address, _amount: uint256):
    """
    Who takes back all that it bonded to itself leaves, whatever others have delegated to it.
    """
    current: uint256 = self._round()
    assert 0 < _amount and _amount <= self.delegators[_delegator].bonded, "not so much is bonded"
    delegate: address = self.delegators[_delegator].delegate
    self.delegators[_delegator].bonded -= _amount
    if self.delegators[_delegator].bonded == 0:
        self.delegators[_delegator].delegate = empty(address)
        if self._contains(_delegator):
            self._go(_delegator, current + 1)
    stake: uint256 = self.delegators[delegate].delegated - _amount
    pooled: bool = self._contains(delegate)
    if pooled:
        self._restake(delegate, stake)
    if pooled or self._active(delegate, current):
        self._write_stake(delegate, stake, current)
    self.delegators[delegate].delegated = stake


@external
def transcoder(_who: address, _reward_cut: uint256, _fee_share: uint256):
    """
    Cuts in parts per million; who is registered and not in the pool tries to join.
    """
    current: uint256 = self._round()
    assert self._registered(_who), "transcoder must be registered"
    assert _reward_cut <= 1000000 and _fee_share <= 1000000, "not a part per million"
    self.transcoders[_who].rewardCut = _reward_cut
    self.transcoders[_who].feeShare = _fee_share
    if not self._contains(_who):
        self._try_to_join(_who, self.delegators[_who].delegated, current + 1)
    log TranscoderUpdate(transcoder=_who, rewardCut=_reward_cut, feeShare=_fee_share)


@external
def reward(_who: address, _amount: uint256):
    """
    Adds to the stake of who is in the pool, and writes the cuts of this round.
    """
    current: uint256 = self._round()
    assert self._contains(_who), "not in the pool"
    self.transcoders[_who].lastRewardRound = current
    self.earnings[_who][current].transcoderRewardCut = self.transcoders[_who].rewardCut
    self.earnings[_who][current].transcoderFeeShare = self.transcoders[_who].feeShare
    self.delegators[_who].bonded += _amount
    self._more(_who, _amount, current)
