"""Grafana dashboards: each panel is said once, with its PromQL and its Flux.

`python -m dashboards.generate` writes what people import into `dashboards/prometheus/` and
`dashboards/influxdb/`.
"""
