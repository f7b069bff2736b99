"""One careful way to the Ethereum nodes for everybody on this machine who asks by JSON-RPC."""
