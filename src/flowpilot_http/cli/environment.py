"""What every command does first: read the settings, and set the logs up."""

import logging
import os

from flowpilot_http import logs
from flowpilot_http.settings import Settings, unread

from .outcome import complain

log = logging.getLogger("flowpilot.settings")


def prepared(*, quiet: bool = True, warned: bool = True) -> Settings:
    """The settings of this process. A quiet command logs warnings and worse only, and says what it waits for. Raises `SettingsWrong`.

    `warned`: whether somebody is to hear of variables that nobody reads.
    """
    settings = Settings.of(os.environ)
    if quiet and settings.log_level == "info":
        logs.configure("warning", watched=True)
    else:
        logs.configure(settings.log_level)
    for stranger in unread(os.environ) if warned else ():
        if quiet:
            complain(f"flowpilot: {stranger}")
        else:
            log.warning("a setting that nothing reads", extra={"setting": stranger.name, "meant": stranger.meant})
    return settings
