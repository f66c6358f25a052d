"""Credentials do not belong in locations and settings: records, cards, reports and logs repeat these for everybody."""

import re
from typing import Any

from polydistill.engine.errors import UserError

_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#\s]*)(\S*)")
_PORT = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:]*)(:\d*)?")  # a host, perhaps an IPv6 address, and its port
_PARAMETER = re.compile(
    r"[?&]([\w.-]*(secret|password|token|access_key|account_key|credential|signature)[\w.-]*|sig)=", re.IGNORECASE
)
_SETTING = re.compile(
    r"(.*_)?(secret|password|api_key|access_key|credentials?)|((hf|auth|access|api)_)?token", re.IGNORECASE
)
_ADVICE = (
    "Credentials belong in the environment, since locations and settings are written to records, cards and logs. For "
    "S3 set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for the Hugging Face hub HF_TOKEN"
)


def refuse_in_location(text: str) -> None:
    """Do nothing for a path or a URI without credentials; a user name alone is none.

    Raises:
        UserError: a URI with a password or key in it. The message shows neither.
    """
    if not (found := _AUTHORITY.fullmatch(text.strip())):
        return
    authority, rest = found.groups()
    host = authority.rpartition("@")[2]
    user = authority[: -len(host) - 1] if "@" in authority else ""
    # A key that holds a "/" ends the authority early, and what stands behind its ":" is then no port.
    if ":" in user or not _PORT.fullmatch(host) or _PARAMETER.search(rest):
        raise UserError(f"A URI of {text.strip().partition('://')[0]}:// holds credentials. {_ADVICE}")


def refuse_in_settings(settings: Any, where: str) -> None:
    """Look through nested settings of another library for credentials.

    Raises:
        UserError: a key such as `hf_token` or `api_key` has a text as its value, or a location holds credentials.
    """
    if isinstance(settings, str):
        refuse_in_location(settings)
    elif isinstance(settings, list | tuple):
        for item in settings:
            refuse_in_settings(item, where)
    elif isinstance(settings, dict):
        for key, value in settings.items():
            if isinstance(value, str) and _SETTING.fullmatch(str(key)):
                raise UserError(f"{where}.{key}: a secret. {_ADVICE}")
            refuse_in_settings(value, f"{where}.{key}")
