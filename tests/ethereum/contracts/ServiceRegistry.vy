# pragma version 0.4.3
# What anybody wrote as the service URI of an address. It is any string (here of at most 40,000
# bytes), is never checked, and stays when its owner leaves.
# Not as in the original: whoever calls says whose it is.

event ServiceURIUpdate:
    addr: indexed(address)
    serviceURI: String[40000]

getServiceURI: public(HashMap[address, String[40000]])


@external
def setServiceURI(_owner: address, _uri: String[40000]):
    self.getServiceURI[_owner] = _uri
    log ServiceURIUpdate(addr=_owner, serviceURI=_uri)
