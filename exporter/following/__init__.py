"""Taking over what another leaderboard gets to know about some orchestrators, soon after it does.

See `docs/leaderboards.md`.
"""
