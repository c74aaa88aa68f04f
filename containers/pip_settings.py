"""This machine's pip settings for the build alone: passed as secrets and mounted folders, never part of an image.

A machine behind its own package index, or with its own certificates, tells pip so in pip.conf and PIP_ variables, and a
container sees neither. Where nothing is set, nothing is passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

PLACES = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "timeout")
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
CA_SECRET = "/run/secrets/ca_bundle"  # noqa: S105  a path


def pip_settings() -> dict[str, str]:
    """What `pip config list` says of places: name without its section, environment over files."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return parse(listed)


def parse(listed: str) -> dict[str, str]:
    """`:env:.find-links='/wheels'` and `global.cert='/ca.pem'` as names and values; an environment's line wins."""
    found: dict[str, str] = {}
    lines = [line.partition("=") for line in listed.splitlines() if "=" in line]
    for key, _, value in sorted(lines, key=lambda line: line[0].startswith(":env:")):
        found[key.rpartition(".")[2]] = value.strip("'\"").replace("\\n", " ")
    return found


def build_flags(settings: Mapping[str, str], place: Path) -> list[str]:
    """Flags of `podman build`: secrets for pip.conf and certificates, and the folders that they name, read-only.

    The folders appear below /dev, which is no part of an image: mount points elsewhere would stay in it, empty.
    """
    mounts: dict[Path, str] = {}
    lines = [f"{name} = {_moved(settings[name], name, mounts)}" for name in PLACES if name in settings]
    flags: list[str] = []
    bundle = settings.get("cert") or next((os.environ[name] for name in CERTIFICATES if name in os.environ), "")
    if bundle and Path(bundle).is_file():
        lines.append(f"cert = {CA_SECRET}")
        flags += ["--secret", f"id=ca_bundle,src={bundle}"]
    if lines:
        conf = place / "pip.conf"
        conf.touch(mode=0o600)
        conf.write_text("[global]\n" + "\n".join(lines) + "\n", encoding="utf-8")
        flags += ["--secret", f"id=pip_conf,src={conf}"]
    for folder, inside in mounts.items():
        flags += ["--volume", f"{folder}:{inside}:ro"]
    return flags


def _moved(value: str, name: str, mounts: dict[Path, str]) -> str:
    """A setting with the folders of this machine as the build sees them; an index's files lie beside it."""
    return " ".join(_mounted(word, name != "find-links", mounts) for word in value.split())


def _mounted(word: str, with_parent: bool, mounts: dict[Path, str]) -> str:
    address = urlsplit(word)
    folder = Path(address.path)
    if address.scheme not in ("", "file") or not folder.is_dir():
        return word
    shown = folder.parent if with_parent else folder
    inside = mounts.setdefault(shown, f"/dev/pip-{len(mounts)}")
    path = f"{inside}/{folder.name}" if with_parent else inside
    return f"file://{path}" if address.scheme else path
