# pragma version 0.4.3
# The address of a name, and the name of a reverse node. Any string, of at most 5,000 bytes here.
# Not as in the original: whoever calls says what.

name: public(HashMap[bytes32, String[5000]])
addr: public(HashMap[bytes32, address])


@external
def setName(_node: bytes32, _name: String[5000]):
    self.name[_node] = _name


@external
def setAddr(_node: bytes32, _addr: address):
    self.addr[_node] = _addr
