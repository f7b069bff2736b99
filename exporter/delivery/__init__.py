"""The station's consumers of the outbox: store writer, Prometheus metrics, recent jobs."""
