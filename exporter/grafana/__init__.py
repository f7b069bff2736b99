"""Puts the dashboards that come with the program into files or into a Grafana.

Reads the generated JSON alone: what makes it is no part of the program.
"""
