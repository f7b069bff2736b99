"""Looks for mistakes in the JSON of dashboards that no schema sees, by rules with names."""
