"""What every command does first: read the settings, and set the logs up."""

import os

from flowpilot_http import logs
from flowpilot_http.settings import Settings


def prepared(*, quiet: bool = True) -> Settings:
    """The settings of this process. A quiet command logs warnings and worse only, and says what it waits for. Raises `SettingsWrong`."""
    settings = Settings.of(os.environ)
    if quiet and settings.log_level == "info":
        logs.configure("warning", watched=True)
    else:
        logs.configure(settings.log_level)
    return settings
