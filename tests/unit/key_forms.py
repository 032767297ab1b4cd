# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms in which a server may write a key into its answer."""

from __future__ import annotations

import base64
import html
import json
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus

# Not a key of anybody; it has what JSON, URLs, HTML and base64 write in another way.
KEY = 'k3y/with+"&<specials>=='
PLAIN_KEY = "KK0123456789abcdef0123456789abcdef"


def in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def in_url(text: str) -> str:
    return quote(text, safe="")


def in_html(text: str) -> str:
    return html.escape(text)


def in_html_numbers(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


def base64_texts(secret: str) -> dict[str, str]:
    """Return base64 of the secret alone and after 0, 1 and 2 bytes over whole groups of three."""
    texts = {}
    for name, encode in (
        ("base64", base64.b64encode),
        ("URL-safe base64", base64.urlsafe_b64encode),
    ):
        texts[f"{name} alone"] = encode(secret.encode()).decode()
        texts[f"{name} without padding"] = encode(secret.encode()).decode().rstrip("=")
        for offset in range(3):
            around = b"user:"[: 3 + offset] + secret.encode() + b":more"
            texts[f"{name} at offset {offset}"] = encode(around).decode()
    return texts


def plain_forms(secret: str) -> dict[str, str]:
    """Return the ways in which servers write a text into JSON, URLs and HTML."""
    json_text = in_json(secret)
    return {
        "raw": secret,
        "upper case": secret.upper(),
        "JSON": json_text,
        "JSON in a JSON text": in_json(json_text),
        "JSON in letters as they are": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON with escaped slashes": json_text.replace("/", "\\/"),
        # Gson, with which Java programs often write JSON, escapes these unless
        # disableHtmlEscaping() is called on its GsonBuilder.
        "JSON of Gson": "".join(
            f"\\u{ord(letter):04x}" if letter in "<>&='" else json.dumps(letter)[1:-1]
            for letter in secret
        ),
        "JSON in escapes alone": "".join(f"\\u{number:04x}" for number in utf16_units(secret)),
        "URL": in_url(secret),
        "URL in small letters": in_url(secret).lower(),
        "URL with slashes as they are": quote(secret),
        "URL of a form": quote_plus(secret),
        "URL of JavaScript": quote(secret, safe="!'()*"),
        "URL of Java": quote_plus(secret, safe="*").replace("~", "%7E"),
        "URL in a URL": in_url(in_url(secret)),
        "HTML": in_html(secret),
        "HTML with quotes as they are": html.escape(secret, quote=False),
        # Spring's HtmlUtils.htmlEscape writes an apostrophe so.
        "HTML of Spring": in_html(secret).replace("&#x27;", "&#39;"),
        "HTML of names": "".join(
            f"&{codepoint2name[ord(letter)]};" if ord(letter) in codepoint2name else letter
            for letter in secret
        ),
        "HTML in numbers": in_html_numbers(secret),
        "HTML in hexadecimal numbers": "".join(f"&#x{ord(letter):04X};" for letter in secret),
    }


def utf16_units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [data[place] << 8 | data[place + 1] for place in range(0, len(data), 2)]


ALL_FORMS = [*plain_forms(KEY), *base64_texts(KEY)]


def form_of(name: str, secret: str) -> str:
    return {**plain_forms(secret), **base64_texts(secret)}[name]
