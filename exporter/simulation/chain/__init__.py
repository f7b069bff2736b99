"""A simulated chain: what Livepeer's contracts hold, and an Ethereum node that answers for them."""
