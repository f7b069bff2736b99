"""The chain as a source: who is registered, active and staked, and where they say they are."""
