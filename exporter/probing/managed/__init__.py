"""Gateways that the tester starts itself, each pinned to one orchestrator."""
