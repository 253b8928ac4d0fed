"""What commands and functions run or evaluate of what they are given: there a value would be code, however well it is quoted.

Whoever needs a value in such a place puts it into a variable first, and decides there what may become of it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import frozen

Words = Sequence[str | None]
"""A command and what it is given; None for a word that is not known before it runs."""


@frozen
class _Wrapper:
    """A command that runs the command among its words."""

    valued: frozenset[str] = frozenset()
    """Options whose value is the next word."""
    operands: int = 0
    """Words of its own before the command."""


def _wrapper(valued: str = "", operands: int = 0) -> _Wrapper:
    return _Wrapper(frozenset(valued.split()), operands)


_WRAPPERS: Final[Mapping[str, _Wrapper]] = MappingProxyType(
    {
        "builtin": _wrapper(),
        "busybox": _wrapper(),
        "caffeinate": _wrapper("-t -w"),
        "chroot": _wrapper("--userspec --groups", 1),
        "command": _wrapper(),
        "coproc": _wrapper(),
        "doas": _wrapper("-u -C"),
        "env": _wrapper("-u --unset -C --chdir"),
        "exec": _wrapper("-a"),
        "flock": _wrapper("-w --timeout -E", 1),
        "ionice": _wrapper("-c -n -p"),
        "launchctl": _wrapper("", 2),
        "nice": _wrapper("-n --adjustment"),
        "nohup": _wrapper(),
        "runuser": _wrapper("-u -g -G"),
        "setsid": _wrapper(),
        "stdbuf": _wrapper("-i -o -e"),
        "sudo": _wrapper("-u --user -g --group -h --host -p --prompt -C -r -t -T -D"),
        "systemd-run": _wrapper("-p --property --unit -u --uid --gid -M --description"),
        "taskset": _wrapper("", 1),
        "time": _wrapper("-f -o"),
        "timeout": _wrapper("-s --signal -k --kill-after", 1),
        "unbuffer": _wrapper(),
        "xargs": _wrapper("-I -n -P -L -d -a -E -s --max-args --max-procs --delimiter --arg-file"),
    }
)

_INTERPRETERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"), frozenset({"-o", "-O", "+o", "+O"})),
        **dict.fromkeys(("python", "python2", "python3", "py", "perl", "ruby", "node", "nodejs", "php", "lua", "tclsh"), frozenset[str]()),
        **dict.fromkeys(("osascript", "swift", "deno", "bun", "pypy3", "jshell", "groovy", "expect"), frozenset[str]()),
        **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), frozenset({"-F", "-v"})),
        **dict.fromkeys(("sed", "gsed"), frozenset({"-l"})),
    }
)
"""What runs its first word as a program or as a file with one, with the options that take a value."""

_CODE: Final = frozenset({"-c", "-e", "-E", "-r", "-p", "--eval", "--expression", "--print", "--execute", "-execute"})
"""Options whose value an interpreter runs."""

_EVALUATORS: Final = frozenset(
    {
        ".",
        "alias",
        "at",
        "batch",
        "bind",
        "cmd",
        "compgen",
        "complete",
        "cscript",
        "crontab",
        "declare",
        "enable",
        "eval",
        "export",
        "fc",
        "forfiles",
        "gdb",
        "getopts",
        "let",
        "local",
        "make",
        "mapfile",
        "mshta",
        "parallel",
        "powershell",
        "pwsh",
        "read",
        "readarray",
        "readonly",
        "rsh",
        "rundll32",
        "regsvr32",
        "screen",
        "script",
        "schtasks",
        "source",
        "sqlite3",
        "ssh",
        "su",
        "tmux",
        "trap",
        "typeset",
        "unset",
        "watch",
        "wmic",
        "wscript",
        "wsl",
    }
)
"""What evaluates words of its own as code, or as names that the shell evaluates."""

_CLIENTS: Final = frozenset({"mysql", "mariadb", "psql", "sqlcmd", "isql", "mongosh"})
_STATEMENTS: Final = frozenset({"-e", "-c", "-q", "-Q", "--execute", "--command", "--eval"})
"""Options of a database's client whose value it runs."""

_FINDS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_SHELL_VARIABLES: Final = frozenset(
    {"BASH_ENV", "ENV", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS4", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"}
)

_CMDLETS: Final = frozenset(
    {
        "add-type",
        "ii",
        "iex",
        "import-alias",
        "import-module",
        "invoke-cimmethod",
        "invoke-expression",
        "invoke-item",
        "invoke-sqlcmd",
        "invoke-wmimethod",
        "ipmo",
        "iwmi",
        "nal",
        "new-alias",
        "new-scheduledtaskaction",
        "new-service",
        "register-scheduledjob",
        "sal",
        "saps",
        "set-alias",
        "set-psbreakpoint",
        "start",
        "start-process",
        "update-formatdata",
        "update-typedata",
    }
)
"""Commands of PowerShell that run or load what they are given."""

_BLOCK_CMDLETS: Final = frozenset(
    {
        "%",
        "foreach",
        "foreach-object",
        "icm",
        "invoke-command",
        "register-cimindicationevent",
        "register-engineevent",
        "register-objectevent",
        "register-wmievent",
        "sajb",
        "start-job",
        "start-threadjob",
    }
)
"""Commands of PowerShell that run some of what they are given."""
_BLOCK_PARAMETERS: Final = frozenset({"action", "begin", "end", "filepath", "initializationscript", "membername", "process", "scriptblock"})
"""What they run, by the names of its parameters; any beginning of one will do."""

_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "addcommand": "",
        "addscript": "",
        "create": "scriptblock",
        "expandstring": "",
        "invokescript": "",
        "load": "assembly",
        "loadfile": "assembly",
        "loadfrom": "assembly",
        "newscriptblock": "",
        "start": "process",
    }
)
"""Methods that PowerShell runs code by, and what the type is called then; empty: whatever it is called."""

_FUNCTIONS: Final = frozenset(
    {
        "__import__",
        "check_call",
        "check_output",
        "compile",
        "create_subprocess_exec",
        "create_subprocess_shell",
        "eval",
        "exec",
        "execl",
        "execle",
        "execlp",
        "execlpe",
        "execute",
        "executemany",
        "executescript",
        "execv",
        "execve",
        "execvp",
        "execvpe",
        "exec_module",
        "getoutput",
        "getstatusoutput",
        "import_module",
        "interact",
        "popen",
        "posix_spawn",
        "posix_spawnp",
        "run_module",
        "run_path",
        "runcode",
        "runsource",
        "spawnl",
        "spawnle",
        "spawnlp",
        "spawnlpe",
        "spawnv",
        "spawnve",
        "spawnvp",
        "spawnvpe",
        "startfile",
        "system",
        "timeit",
        "Popen",
        "call",
        "run",
    }
)
"""Functions of Python that run or evaluate their first argument."""
_CODE_ARGUMENTS: Final = frozenset({"args", "cmd", "code", "command", "executable", "program", "source", "sql", "stmt", "setup"})
"""The names under which they take it."""
_ALL_ARGUMENTS: Final = frozenset({"eval", "exec", "timeit", "__import__"})
"""Of these every argument is as dangerous."""


def runs(words: Words, place: int) -> bool:
    """Whether a command of a shell runs or evaluates its word at `place`, counted from the command itself."""
    if place == 0 or words[0] is None:
        return place == 0
    name = program(words[0])
    if name in _EVALUATORS:
        return True
    if (wrapper := _WRAPPERS.get(name)) is not None:
        begins = _command_of(words, wrapper)
        return place >= begins and runs(words[begins:], place - begins)
    if (valued := _INTERPRETERS.get(name)) is not None:
        return _interprets(words, place, valued)
    if name in _CLIENTS:
        return words[place - 1] in _STATEMENTS
    if name == "find":
        return any(word in _FINDS and at < place and runs(words[at + 1 :], place - at - 1) for at, word in enumerate(words))
    return name in {"test", "[", "printf", "wait"} and words[place - 1] in {"-v", "-p"}


def reads_code(words: Words) -> bool:
    """Whether a command runs what it reads from its input."""
    if not words or words[0] is None:
        return True
    name = program(words[0])
    if name == "xargs":
        return any(word is None or program(word) in {*_INTERPRETERS, *_EVALUATORS} for word in words[1:])
    if (wrapper := _WRAPPERS.get(name)) is not None:
        begins = _command_of(words, wrapper)
        return begins < len(words) and reads_code(words[begins:])
    if name in {"awk", "gawk", "mawk", "nawk", "sed", "gsed", "read", "mapfile", "readarray"}:
        return False
    if name in _INTERPRETERS:
        operands = [word for word in words[1:] if word is None or not word.startswith("-") or word == "-"]
        return not operands or operands[0] in {"-", "/dev/stdin"} or "-s" in words
    return name in _EVALUATORS or name in _CLIENTS


def names_code(variable: str) -> bool:
    """Whether the value of a variable of the shell is run, or decides what is."""
    return variable in _SHELL_VARIABLES


def is_cmdlet_that_runs(name: str) -> bool:
    """Whether a command of PowerShell runs or loads whatever it is given."""
    return name.lower() in _CMDLETS


def is_block(cmdlet: str, parameter: str | None) -> bool:
    """Whether a command of PowerShell runs the value of its parameter of this name; None: of one without a name."""
    if cmdlet.lower() not in _BLOCK_CMDLETS:
        return False
    return parameter is None or any(name.startswith(parameter.lower()) for name in _BLOCK_PARAMETERS)


def is_method_that_runs(of: str, name: str) -> bool:
    """Whether a method of something, as both are written in PowerShell, runs what it is given."""
    wanted = _METHODS.get(name.lower())
    return wanted is not None and wanted in of.lower()


def evaluates(function: str, argument: int | str) -> bool:
    """Whether a function of Python runs or evaluates its argument of this number or name."""
    if function not in _FUNCTIONS:
        return False
    return function in _ALL_ARGUMENTS or argument == 0 or argument in _CODE_ARGUMENTS or function.startswith(("spawn", "posix_spawn"))


def program(word: str) -> str:
    """What a command is called, without the folder that it is in."""
    name = word.rsplit("/", 1)[-1].rsplit("\\", 1)[-1].lower()
    return name.removesuffix(".exe")


def _command_of(words: Words, wrapper: _Wrapper) -> int:
    at, operands = 1, wrapper.operands
    while at < len(words):
        word = words[at]
        if word is not None and word in wrapper.valued:
            at += 2
        elif word is not None and (word.startswith("-") or ("=" in word and not word.startswith("="))):
            at += 1
        elif operands:
            at, operands = at + 1, operands - 1
        else:
            break
    return at


def _interprets(words: Words, place: int, valued: frozenset[str]) -> bool:
    at = 1
    while at < place:
        word = words[at]
        if word is None:
            return False
        if word in valued:
            at += 2
        elif word == "--" or not word.startswith(("-", "+")):
            return word == "--" and place == at + 1
        elif _is_code(word):
            return place == at + 1 or (words[place - 1] == word and not word.endswith("c"))
        else:
            at += 1
    # The value of an option, or what would be the program.
    return at == place


def _is_code(option: str) -> bool:
    return option in _CODE or (option[:1] == "-" and option[1:2] != "-" and option[-1:] in "ce")
