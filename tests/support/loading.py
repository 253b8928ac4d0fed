"""What a command imports, as seen in a process of its own."""

import subprocess
import sys
from collections.abc import Mapping

from attrs import frozen

LOOKING = """
import sys
from flowpilot_http.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
NOT_FOR_A_COMMAND = (
    "aiosmtplib",
    "aiosmtpd",
    "alembic",
    "anthropic",
    "detect_secrets",
    "httpx",
    "jinja2",
    "joserfc",
    "litestar",
    "nats",
    "openai",
    "prometheus_client",
    "uvicorn",
    "flowpilot_adapters.llm",
    "flowpilot_adapters.psa",
    "flowpilot_adapters.push",
    "flowpilot_adapters.smtp",
    "flowpilot_core.testing",
    "flowpilot_http.app",
    "flowpilot_http.pages",
    "flowpilot_http.routes",
    "flowpilot_http.schemas",
)
"""What serves, asks and sends; a command that does none of it waits for none of it."""
DATABASE = ("psycopg", "sqlalchemy", "flowpilot_adapters", "flowpilot_core.application")


@frozen
class Loaded:
    """How a command ended: what it printed, and the modules that it had then."""

    printed: str
    modules: frozenset[str]

    def of(self, *packages: str) -> list[str]:
        """Those of its modules that are of these packages."""
        return sorted(one for one in self.modules if any(one == package or one.startswith(f"{package}.") for package in packages))


def loaded(*arguments: str, environment: Mapping[str, str] | None = None) -> Loaded:
    """What a command that must succeed loads."""
    ended = subprocess.run([sys.executable, "-c", LOOKING, *arguments], env=environment, capture_output=True, text=True, check=True)
    return Loaded(ended.stdout, frozenset(ended.stderr.splitlines()[-1].split()))
