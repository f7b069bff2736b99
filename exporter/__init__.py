"""Independent measuring station for the Livepeer AI network."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("livepeer-exporter")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"
