"""The base image of CI: Debian 12's own packages with Python 3.11, so that no registry is needed."""

from __future__ import annotations

import re
from pathlib import Path

from containers.engine import PLACE, podman, run

IMAGE = "localhost/asusu-python:bookworm"
SUITE = "bookworm"
MIRROR, SECURITY = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
PACKAGES = "ca-certificates,python3,python3-pip"
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
# pip may install beside Debian's own Python: there is no other user of it. Names and resolvers of the builder stay out.
FINISH = """rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
ln -s /usr/bin/python3 "$1"/usr/local/bin/python
: > "$1"/etc/resolv.conf; echo localhost > "$1"/etc/hostname
rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/log/*"""


def make_base() -> str:
    """Make the base image unless it is there; its name."""
    if IMAGE in podman("images", "--format", "{{.Repository}}:{{.Tag}}").split():
        return IMAGE
    archive = PLACE / "base.tar"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    command += [f"--customize-hook={FINISH}", SUITE, str(archive)]
    mirror, security = mirrors()
    run([*command, f"deb {mirror} {SUITE} main", f"deb {security} {SUITE}-security main"])
    settings = ["ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "ENV LANG=C.UTF-8"]
    podman("import", "--quiet", *(f"--change={line}" for line in (*settings, 'CMD ["python"]')), str(archive), IMAGE)
    archive.unlink()
    return IMAGE


def mirrors(folder: Path = Path("/etc/apt")) -> tuple[str, str]:
    """Addresses of Debian and its security updates as this machine's own apt knows them, else Debian's own."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file())
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    known = re.findall(r"https?://[^\s]+?/debian(?:-security)?(?=/?\s|/?$)", "\n".join(lines), re.MULTILINE)
    security = next((address for address in known if address.endswith("-security")), SECURITY)
    return next((address for address in known if not address.endswith("-security")), MIRROR), security
