"""Reads a settings file, the environment and secret files into `exporter.settings.Settings`.

Types come from the settings' schema, never from YAML's guesses, and every mistake is reported at
once, with file, line and key path.
"""

from exporter.settings_file.loader import load
from exporter.settings_file.mistakes import Mistake, SettingsError

__all__ = ["Mistake", "SettingsError", "load"]
