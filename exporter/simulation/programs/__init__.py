"""Simulated gateways and orchestrators as programs that take the real ones' command line."""
