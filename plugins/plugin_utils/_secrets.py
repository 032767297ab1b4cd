# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time.

"""Masking in process what Ansible masks for a module."""

from __future__ import annotations

import typing as t

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    # ansible-core before 2.22 has no registry of secrets, and masks nothing that it shows.
    register_secrets = None

Result = t.Dict[str, t.Any]


def register(secrets: set[str]) -> None:
    """Have Ansible mask the secrets in all that it shows, where it can."""
    if register_secrets:
        register_secrets(secrets)


def masked(result: Result, secrets: set[str]) -> Result:
    """Return the result as Ansible's AnsibleModule would hand it over.

    From ansible-core 2.22 on that is unmasked, as the registered secrets are masked when shown.
    """
    if register_secrets:
        return result
    # ansible-core 2.25 removes it.
    from ansible.module_utils.common.parameters import remove_values

    # AnsibleModule keeps these at the top, whatever the secret is.
    kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
    return {**remove_values(result, secrets), **kept}
