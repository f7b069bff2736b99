"""What Livepeer's contracts hold, as plain Python: an oracle for those that read the contracts.

Written from what is known of the real contracts, with lists and sums where those have linked lists
and running totals. Stake is in LPT. Each change gives whether it is accepted.
"""

import msgspec

ENTRIES = {
    "": (None, False),
    "https://a.example:8935": ("https://a.example:8935", False),
    "b.example:8935": ("https://b.example:8935", False),
    "http://c.example:80/": ("http://c.example:80", False),
    "https://key:word@d.example": (None, True),
    "ftp://e.example": (None, True),
    "https://": (None, True),
    "https://f.example/" + "x" * 3000: (None, True),
    "\0": (None, True),
}
"""What may be written into a registry; the URI that it is, and whether it is refused."""


class Term(msgspec.Struct):
    """The rounds in which somebody is active."""

    begins: int
    ends: int | None = None


class Ledger:
    """All contracts."""

    def __init__(self, first_round: int, pool_limit: int) -> None:
        self.round = first_round
        self.initialized = True
        self.pool_limit = pool_limit
        self.pool: list[str] = []
        """Of the next round; most stake first."""
        self.round_stakes: dict[str, int] = {}
        """Of everybody in the pool when the round was initialized."""
        self.bonds: dict[str, tuple[str, int]] = {}
        """To whom, and how much."""
        self.terms: dict[str, Term] = {}
        self.cuts: dict[str, tuple[int, int]] = {}
        self.rewarded: dict[str, int] = {}
        self.uris: dict[str, str] = {}
        self.ai_uris: dict[str, str] = {}

    def stake(self, who: str) -> int:
        """Its own and delegated."""
        return sum(amount for to, amount in self.bonds.values() if to == who)

    def registered(self, who: str) -> bool:
        """Whether it has bonded to itself."""
        return who in self.bonds and self.bonds[who][0] == who

    def active(self, who: str) -> bool:
        """Whether it is active in this round."""
        term = self.terms.get(who)
        if term is None:
            return False
        return term.begins <= self.round and (term.ends is None or self.round < term.ends)

    # Changes

    def bond(self, delegator: str, amount: int, to: str) -> bool:
        held, before = self.bonds.get(delegator, (to, 0))
        if not self.initialized or held != to:
            return False
        self.bonds[delegator] = to, before + amount
        self._grown(to)
        return True

    def unbond(self, delegator: str, amount: int) -> bool:
        to, before = self.bonds.get(delegator, ("", 0))
        if not self.initialized or amount > before:
            return False
        if amount < before:
            self.bonds[delegator] = to, before - amount
        else:
            del self.bonds[delegator]
            if delegator in self.pool:
                self._leaves(delegator)
        if to in self.pool:
            self._place(to)
        return True

    def set_cuts(self, who: str, reward_cut: int, fee_share: int) -> bool:
        if not self.initialized or not self.registered(who):
            return False
        self.cuts[who] = reward_cut, fee_share
        if who not in self.pool:
            self._tries_to_join(who)
        return True

    def reward(self, who: str, amount: int) -> bool:
        if not self.initialized or who not in self.pool:
            return False
        self.rewarded[who] = self.round
        self.bonds[who] = who, self.bonds[who][1] + amount
        self._place(who)
        return True

    def pass_round(self) -> bool:
        self.round += 1
        self.initialized = False
        return True

    def initialize_round(self) -> bool:
        if self.initialized:
            return False
        self.initialized = True
        self.round_stakes = {who: self.stake(who) for who in self.pool}
        return True

    def _grown(self, who: str) -> None:
        if who in self.pool:
            self._place(who)
        elif self.registered(who):
            self._tries_to_join(who)

    def _tries_to_join(self, who: str) -> None:
        if len(self.pool) >= self.pool_limit:
            last = self.pool[-1]
            if self.stake(who) <= self.stake(last):
                return
            self._leaves(last)
        self._place(who)
        self.terms[who] = Term(self.round + 1)

    def _leaves(self, who: str) -> None:
        self.pool.remove(who)
        self.terms[who].ends = self.round + 1

    def _place(self, who: str) -> None:
        """Where its stake belongs, before its equals."""
        others = [one for one in self.pool if one != who]
        place = sum(self.stake(one) > self.stake(who) for one in others)
        self.pool = [*others[:place], who, *others[place:]]
