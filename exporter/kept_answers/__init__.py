"""Answers kept on request: the probe writes them, the station shows them."""
