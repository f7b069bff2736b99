"""A simulated go-livepeer gateway, faithful to any client of its two ports and reader of its log.

`service` holds the gateway itself, `flags` its command line.
"""
