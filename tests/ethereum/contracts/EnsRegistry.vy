# pragma version 0.4.3
# Which resolver knows about a node of ENS.
# Not as in the original: whoever calls says which.

resolver: public(HashMap[bytes32, address])


@external
def setResolver(_node: bytes32, _resolver: address):
    self.resolver[_node] = _resolver
