"""Posting what this tester measures to other leaderboards, each result exactly once."""
