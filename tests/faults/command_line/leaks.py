# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding secrets in what others may read, in whatever form they are written."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote, quote_plus

# Parts of a text, each of which may be written in a form by itself.
Forms = t.Dict[str, str]


def forms_of(secret: str) -> Forms:
    """Return the texts that give a secret away, by the names of their forms."""
    return {
        "raw": secret,
        "JSON": json.dumps(secret)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "JSON in letters as they are": json.dumps(secret, ensure_ascii=False)[1:-1],
        "Python": repr(secret)[1:-1],
        "URL": quote(secret, safe=""),
        "URL with slashes as they are": quote(secret),
        "URL of a form": quote_plus(secret),
        "HTML": html.escape(secret),
        # Of letters and digits, so that it is the same in all forms but base64.
        "its beginning": secret.split(maxsplit=1)[0],
        **{
            f"{kind} after {offset} bytes over whole groups": _in_base64(secret, offset, encode)
            for kind, encode in (
                ("base64", base64.b64encode),
                ("URL-safe base64", base64.urlsafe_b64encode),
            )
            for offset in range(3)
        },
    }


def find_leaks(
    texts: t.Mapping[str, str], secrets: t.Mapping[str, str]
) -> set[tuple[str, str, str]]:
    """Return the places, secrets and forms of all leaks.

    Args:
        texts: what is searched, by where it stands.
        secrets: what is looked for, by its name.
    """
    return {
        (place, name, form)
        for place, text in texts.items()
        for name, secret in secrets.items()
        for form, written in forms_of(secret).items()
        if written in text
    }


def _in_base64(secret: str, offset: int, encode: t.Callable[[bytes], bytes]) -> str:
    """Return the part of base64 that is the same whatever stands around the secret.

    Three bytes become four characters; those that share a group with others are left out.
    """
    data = secret.encode()[(3 - offset) % 3 :]
    return encode(data[: len(data) // 3 * 3]).decode()
