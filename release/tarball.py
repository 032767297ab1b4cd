# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building the tarball so that the same files give the same bytes, on any day and in any folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

MANIFEST, FILES = "MANIFEST.json", "FILES.json"


def build(root: Path, folder: Path, seconds: int) -> Path:
    """Build the tarball of what is in git's index, and return its path.

    Args:
        root: the clone.
        folder: where the tarball and SHA256SUMS are written.
        seconds: the time of every file in the tarball, in seconds since 1970.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        # What git does not know stays behind.
        subprocess.check_call(
            ["git", "checkout-index", "--all", f"--prefix={temporary}/clone/"], cwd=root
        )
        subprocess.check_call(
            ["ansible-galaxy", "collection", "build", "clone", "--output-path", "built"],
            cwd=temporary,
            stdout=subprocess.DEVNULL,
        )
        (built,) = Path(temporary, "built").iterdir()
        tarball = folder / built.name
        tarball.write_bytes(pack_again(built.read_bytes(), seconds))
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {tarball.name}\n", encoding="utf-8")
    return tarball


def pack_again(built: bytes, seconds: int) -> bytes:
    """Return a tarball of ansible-galaxy in a fixed order, with fixed times and no owners.

    Before 2.22, ansible-core lists the files in the order of the disk; none reads
    SOURCE_DATE_EPOCH. FILES.json has the checksums of all files, MANIFEST.json that of FILES.json.
    """
    with tarfile.open(fileobj=io.BytesIO(built)) as source:
        members = {member.name: member for member in source}
        contents = {
            name: stream.read()
            for name, member in members.items()
            if member.isfile() and (stream := source.extractfile(member))
        }
    listed, manifest = json.loads(contents[FILES]), json.loads(contents[MANIFEST])
    listed["files"].sort(key=lambda entry: entry["name"])
    contents[FILES] = as_json(listed)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents[FILES]).hexdigest()
    contents[MANIFEST] = as_json(manifest)

    packed, compressed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as target:
        for name in (MANIFEST, FILES, *(entry["name"] for entry in listed["files"])):
            if name != ".":
                content = contents.get(name, b"")
                entry = plain_entry(members[name], len(content), seconds)
                target.addfile(entry, io.BytesIO(content))
    with gzip.GzipFile(fileobj=compressed, mode="wb", filename="", mtime=seconds) as file:
        file.write(packed.getvalue())
    return compressed.getvalue()


def plain_entry(member: tarfile.TarInfo, size: int, seconds: int) -> tarfile.TarInfo:
    """Return an entry that has only what ansible-galaxy gives the same value everywhere."""
    entry = tarfile.TarInfo(member.name)
    entry.type, entry.mode, entry.linkname = member.type, member.mode, member.linkname
    entry.size, entry.mtime = size, seconds
    return entry


def as_json(value: dict[str, Any]) -> bytes:
    """Return the JSON that ansible-galaxy would write."""
    return json.dumps(value, indent=1).encode("utf-8")
