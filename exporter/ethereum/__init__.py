"""How we talk to Ethereum: JSON-RPC over several nodes, whose URLs are never shown."""
