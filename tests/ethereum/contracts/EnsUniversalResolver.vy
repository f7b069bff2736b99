# pragma version 0.4.3
# Asks the resolver of a name what is to be asked of it, and passes on what it answers, or why it
# refuses.
# Not as in the original: the node is taken out of the question, not made of the name, and no
# gateway is asked for a resolver that sends us off the chain.

interface Registry:
    def resolver(_node: bytes32) -> address: view

registry: Registry


@external
def setUp(_registry: address):
    self.registry = Registry(_registry)


@external
@view
def resolve(_name: Bytes[1024], _data: Bytes[1024]) -> (Bytes[8192], address):
    node: bytes32 = extract32(_data, 4)
    resolver: address = staticcall self.registry.resolver(node)
    if resolver == empty(address):
        # ResolverNotFound(bytes)
        raw_revert(concat(method_id("ResolverNotFound(bytes)"), abi_encode(_name)))
    answer: Bytes[8192] = raw_call(resolver, _data, max_outsize=8192, is_static_call=True)
    return answer, resolver
