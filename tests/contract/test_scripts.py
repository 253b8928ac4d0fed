"""The parsers of scripts."""

import pytest

from flowpilot_adapters.scripts.declared import declared_parameters
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_core.ports.knowledge import DeclaredParameters, ReadScript
from flowpilot_core.testing.contracts import ScriptsContract


class TestScripts(ScriptsContract):
    @pytest.fixture
    def read(self) -> ReadScript:
        return read_script

    @pytest.fixture
    def declared(self) -> DeclaredParameters:
        return declared_parameters
