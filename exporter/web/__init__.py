"""The station's HTTP side: metrics, API and pages."""
