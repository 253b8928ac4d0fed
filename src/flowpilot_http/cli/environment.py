"""What every command does first: read the settings, and set the logs up."""

import os

from flowpilot_http import logs
from flowpilot_http.settings import Settings


def prepared(*, quiet: bool = True) -> Settings:
    """The settings of this process. A quiet command logs warnings and worse only. Raises `SettingsWrong`."""
    settings = Settings.of(os.environ)
    logs.configure("warning" if quiet and settings.log_level == "info" else settings.log_level)
    return settings
