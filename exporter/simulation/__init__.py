"""A simulated network on loopback: orchestrators, gateways and what they advertise.

Real HTTP servers with generated media, scripted latencies and faults, all drawn from one seed.
For the demo, for tests and for benchmarks. `network.SimulatedNetwork` is the way in;
`hostile.HOSTILE` is a collection of endpoints that answer badly on purpose.
"""
