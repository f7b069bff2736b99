# pragma version 0.4.3
# A resolver that answers with bytes of any kind, or refuses with them.

answer: Bytes[8000]
refuses: bool


@external
def setAnswer(_answer: Bytes[8000], _refuses: bool):
    self.answer = _answer
    self.refuses = _refuses


@external
@view
@raw_return
def name(_node: bytes32) -> Bytes[8000]:
    if self.refuses:
        raw_revert(self.answer)
    return self.answer


@external
@view
@raw_return
def addr(_node: bytes32) -> Bytes[8000]:
    if self.refuses:
        raw_revert(self.answer)
    return self.answer
