"""What every parser of scripts must find: subclass `ScriptsContract` and override its fixtures."""

from collections.abc import Mapping

import pytest

from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType
from flowpilot_core.domain.knowledge.script import Stands
from flowpilot_core.ports.knowledge import DeclaredParameters, ReadScript

PARAMETERS = (
    Parameter(name="v", label="A text", type=ParameterType.TEXT),
    Parameter(name="n", label="A number", type=ParameterType.INTEGER),
    Parameter(name="f", label="Yes or no", type=ParameterType.YES_NO),
    Parameter(name="s", label="Password", type=ParameterType.SECRET),
)

VALUES = {
    Language.BASH: (
        "echo {{ v }}",
        "echo {{v}} {{ n }} {{ f }}",
        "x={{ v }}",
        "export PLACE={{ v }}",
        "ls /home/{{ v }}/mail",
        "echo $(id {{ v }})",
        "echo {{ v }} >out",
        "names=({{ v }} b)",
        "for one in {{ v }}; do echo $one; done",
        "case {{ v }} in x) echo y;; esac",
        "[[ $x == {{ v }} ]]",
        "echo $(( {{ n }} + 1 ))",
        "sudo -u {{ v }} ls",
        "sudo cp {{ v }} /srv",
        "timeout {{ n }} ping {{ v }}",
        "bash -c 'echo \"$1\"' _ {{ v }}",
        "python3 tool.py {{ v }}",
        "awk -v x={{ v }} '{ print x }' file",
        "find . -name {{ v }}",
        "echo {{ v }} | grep x",
        "grep x <<< {{ v }}",
        "password={{ s }}",
    ),
    Language.POWERSHELL: (
        "$x = {{ v }}",
        "Get-Service -Name {{ v }}",
        "Get-Service {{ v }}",
        "Get-Process -Name:{{ v }}",
        "param($Name = {{ v }})\nGet-Service $Name",
        "if ($x -eq {{ v }}) { 1 }",
        "if ({{ f }}) { 1 }",
        "$y = @{ name = {{ v }}; other = 1 }",
        "$y = @({{ v }}, 'b')",
        "foreach ($one in {{ v }}) { $one }",
        "{{ v }} | Out-File report.txt",
        "$x - {{ n }}",
        "Start-Sleep -Seconds {{ n }}",
        "Invoke-Command -ComputerName {{ v }} -ScriptBlock { hostname }",
        "$password = {{ s }}",
    ),
    Language.PYTHON: (
        "print({{ v }})",
        "x = {{ v }}",
        "f(name={{ v }})",
        "x[{{ v }}]",
        "x = {'name': {{ v }}}",
        "if {{ f }}: pass",
        "def f(name={{ v }}): pass",
        "x - {{ n }}",
        "x = {{ v }}.upper()",
        "re.compile({{ v }})",
        "subprocess.run(['ls', {{ v }}], cwd={{ v }})",
        "with open({{ v }}) as file: pass",
        "password = {{ s }}",
    ),
}
TEXTS = {
    Language.BASH: (
        'echo "{{ v }}"',
        "echo '{{ v }}'",
        "echo $'{{ v }}'",
        'echo "$(id {{ v }})"',
        "# {{ v }}",
        "echo 1 # {{ v }}",
        "cat <<END\n{{ v }}\nEND\n",
        "cat <<'END'\n{{ v }}\nEND\n",
        "cat <<-END\n\t{{ n }}\n\tEND\n",
        "echo ${x:-{{ v }}}",
        "echo `id {{ v }}`",
        "echo {{ n }}>out",
    ),
    Language.POWERSHELL: (
        '"{{ v }}"',
        "'{{ v }}'",
        '$x = "a $({{ v }})"',
        "Get-Service # {{ v }}",
        "Get-Service <# {{ v }} #>",
        '$x = @"\n{{ v }}\n"@',
        "$x = @'\n{{ v }}\n'@",
        "Get-Item C:\\{{ v }}",
        "Get-Item {{ v }}.txt",
        "$x-{{ n }}",
        "$x = ${{ v }}",
    ),
    Language.PYTHON: (
        'print("{{ v }}")',
        "print('{{ v }}')",
        "print(f'{ {{ v }} }')",
        "x = 1  # {{ v }}",
        "'''\n{{ v }}\n'''",
        "print(r{{ v }})",
        "x = {{ n }}**2",
    ),
}
COMMANDS = {
    Language.BASH: (
        "{{ v }} --help",
        "{{ v }}",
        "if {{ f }}; then echo 1; fi",
        "/opt/{{ v }}/run",
        "! {{ v }}",
        "eval {{ v }}",
        "eval echo {{ v }}",
        "bash -c {{ v }}",
        "sh -xc {{ v }}",
        "bash {{ v }}",
        "sudo {{ v }}",
        "sudo -u root bash -c {{ v }}",
        "env A=1 {{ v }}",
        "xargs -I{} sh -c {{ v }}",
        "find . -exec {{ v }} {} +",
        "find . -exec sh -c {{ v }} \\;",
        "source {{ v }}",
        ". {{ v }}",
        "source <(echo {{ v }})",
        "bash <<< {{ v }}",
        "echo {{ v }} | sh",
        "{ echo {{ v }}; } | sudo bash",
        "trap {{ v }} EXIT",
        "ssh host {{ v }}",
        "su -c {{ v }}",
        "python3 -c {{ v }}",
        "awk {{ v }} file",
        "sed -e p -e {{ v }} file",
        "export {{ v }}",
        "{{ v }}=1",
        "{{ v }}() { :; }",
        "for {{ v }} in a b; do :; done",
        "declare -i x={{ v }}",
        "x[{{ v }}]=1",
        "echo $(( {{ v }} + 1 ))",
        "(( {{ v }} > 1 ))",
        "[[ {{ v }} -eq 1 ]]",
        "unset {{ v }}",
        "PROMPT_COMMAND={{ v }}",
    ),
    Language.POWERSHELL: (
        "{{ v }} --help",
        "{{ v }} -Force",
        "& {{ v }}",
        "& {{ v }} -Force",
        ". {{ v }}",
        "Invoke-Expression {{ v }}",
        "iex {{ v }}",
        "Invoke-Expression -Command {{ v }}",
        "{{ v }} | iex",
        "[scriptblock]::Create({{ v }})",
        "$ExecutionContext.InvokeCommand.InvokeScript({{ v }})",
        "Invoke-Command -ScriptBlock {{ v }}",
        "Start-Process {{ v }}",
        "Start-Process -FilePath {{ v }}",
        "powershell -Command {{ v }}",
        "pwsh -c {{ v }}",
        "cmd /c {{ v }}",
        "bash -c {{ v }}",
        "Add-Type -TypeDefinition {{ v }}",
        "Get-Item x | ForEach-Object -MemberName {{ v }}",
        "$x.{{ v }}",
        "$x.{{ v }}()",
    ),
    Language.PYTHON: (
        "exec({{ v }})",
        "eval({{ v }})",
        "eval(str({{ v }}))",
        "compile({{ v }}, 'x', 'exec')",
        "__import__({{ v }})",
        "os.system({{ v }})",
        "os.popen('ls ' + {{ v }})",
        "subprocess.run({{ v }}, shell=True)",
        "subprocess.run(args={{ v }})",
        "subprocess.run([{{ v }}, '--help'])",
        "subprocess.run(['bash', '-c', {{ v }}])",
        "subprocess.Popen(['sudo', {{ v }}])",
        "{{ v }}()",
        "x.{{ v }}",
        "import {{ v }}",
        "{{ v }} = 1",
        "f({{ v }}=1)",
        "def {{ v }}(): pass",
        "for {{ v }} in x: pass",
    ),
}
BROKEN = {
    Language.BASH: ("if true; then", "echo 'x"),
    Language.POWERSHELL: ("if ($x) {", "$x = 'a"),
    Language.PYTHON: ("if x", "print('x"),
}


def _each(scripts: Mapping[Language, tuple[str, ...]]) -> list[tuple[Language, str]]:
    return [(language, body) for language, bodies in scripts.items() for body in bodies]


class ScriptsContract:
    """`ReadScript` and `DeclaredParameters`."""

    @pytest.fixture
    def read(self) -> ReadScript:
        raise NotImplementedError("return the one under test")

    @pytest.fixture
    def declared(self) -> DeclaredParameters:
        raise NotImplementedError("return the one under test")

    @pytest.mark.parametrize(("language", "body"), _each(VALUES))
    def test_a_placeholder_may_stand_for_a_value(self, read: ReadScript, language: Language, body: str) -> None:
        reading = read(language, body, PARAMETERS)

        assert {Stands.VALUE} == {place.stands for place in reading.places}
        assert reading.broken_at is None

    @pytest.mark.parametrize(("language", "body"), _each(TEXTS))
    def test_a_placeholder_in_a_text_is_found(self, read: ReadScript, language: Language, body: str) -> None:
        """A62: there a value could end the text that it stands in."""
        assert {Stands.TEXT} == {place.stands for place in read(language, body, PARAMETERS).places}

    @pytest.mark.parametrize(("language", "body"), _each(COMMANDS))
    def test_a_placeholder_that_would_be_run_is_found(self, read: ReadScript, language: Language, body: str) -> None:
        """A62: there a value is code, however it is quoted."""
        assert {Stands.COMMAND} == {place.stands for place in read(language, body, PARAMETERS).places}

    @pytest.mark.parametrize(("language", "body"), _each(BROKEN))
    def test_a_script_that_cannot_be_read_to_the_end_says_where(self, read: ReadScript, language: Language, body: str) -> None:
        broken_at = read(language, body, PARAMETERS).broken_at

        assert broken_at is not None
        assert 0 <= broken_at <= len(body)

    def test_places_are_told_by_name_and_character(self, read: ReadScript) -> None:
        reading = read(Language.BASH, "# ü\necho {{ v }} {{  unknown }}", PARAMETERS)

        assert [("v", 9), ("unknown", 17)] == [(place.name, place.start) for place in reading.places]

    def test_what_powershell_declares_is_found(self, declared: DeclaredParameters) -> None:
        body = """
            [CmdletBinding()]
            param(
                [Parameter(Mandatory = $true, HelpMessage = 'The computer')][string]$ComputerName,
                [ValidateSet('Running', 'Stopped')][string]$State = 'Running',
                [ValidateRange(1, 10)][int]$Count = 3,
                [double]$Share = 0.5,
                [switch]$Force,
                [securestring]$Password
            )
            function Other { param($NotThis) }
        """

        assert (
            Parameter(name="ComputerName", label="The computer", type=ParameterType.TEXT, required=True),
            Parameter(
                name="State", label="State", type=ParameterType.CHOICE, required=False, default="Running", choices=("Running", "Stopped")
            ),
            Parameter(name="Count", label="Count", type=ParameterType.INTEGER, required=False, default=3, min=1, max=10),
            Parameter(name="Share", label="Share", type=ParameterType.NUMBER, required=False, default=0.5),
            Parameter(name="Force", label="Force", type=ParameterType.YES_NO, required=False, default=False),
            Parameter(name="Password", label="Password", type=ParameterType.SECRET, required=False),
        ) == declared(Language.POWERSHELL, body)

    def test_what_python_declares_is_found(self, declared: DeclaredParameters) -> None:
        body = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("host")
parser.add_argument("-n", "--count", type=int, default=3, help="How often")
parser.add_argument("--mode", choices=["fast", "slow"], required=True)
parser.add_argument("--dry-run", action="store_true")
"""

        assert (
            Parameter(name="host", label="host", type=ParameterType.TEXT, required=True),
            Parameter(name="count", label="How often", type=ParameterType.INTEGER, required=False, default=3),
            Parameter(name="mode", label="mode", type=ParameterType.CHOICE, required=True, choices=("fast", "slow")),
            Parameter(name="dry_run", label="dry_run", type=ParameterType.YES_NO, required=False, default=False),
        ) == declared(Language.PYTHON, body)

    def test_what_bash_declares_is_found(self, declared: DeclaredParameters) -> None:
        body = """
            host=${1:-localhost}
            share="${2}"
            inner() { echo "$3"; }
            while getopts "vu:" option; do :; done
        """

        assert (
            Parameter(name="arg1", label="Argument 1", type=ParameterType.TEXT, required=False, default="localhost"),
            Parameter(name="arg2", label="Argument 2", type=ParameterType.TEXT, required=True),
            Parameter(name="v", label="Option -v", type=ParameterType.YES_NO, required=False, default=False),
            Parameter(name="u", label="Option -u", type=ParameterType.TEXT, required=False),
        ) == declared(Language.BASH, body)

    @pytest.mark.parametrize("language", Language)
    @pytest.mark.parametrize("body", ["", "\n", "(" * 5_000, "{{ v }}" * 400, "'\"<<A\n" * 500, "ä" * 1_000])
    def test_whatever_is_written_is_read(self, read: ReadScript, declared: DeclaredParameters, language: Language, body: str) -> None:
        assert body.count("{{ v }}") == len(read(language, body, PARAMETERS).places)
        assert () == declared(language, body)
