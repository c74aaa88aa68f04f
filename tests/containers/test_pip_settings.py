"""A machine's own package index reaches the build, and nothing of it reaches the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from containers.pip_settings import build_flags, parse


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an index in a folder, a folder of wheels and certificates."""
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for folder in ("index/simple", "wheels", "place"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ca.pem").write_text("certificates")
    return tmp_path


def test_a_machine_without_settings_passes_nothing(machine):
    assert build_flags({}, machine / "place") == []
    assert list((machine / "place").iterdir()) == []


def test_the_environment_wins_over_files():
    listed = ":env:.find-links='/b'\nglobal.find-links='/a'\nglobal.cert='/ca'\ninstall.timeout='5'\n"
    assert parse(listed) == {"find-links": "/b", "cert": "/ca", "timeout": "5"}


def test_folders_appear_where_no_image_keeps_them_and_addresses_stay(machine):
    settings = {
        "index-url": "https://packages.example.org/simple",
        "extra-index-url": f"file://{machine}/index/simple",
        "find-links": str(machine / "wheels"),
    }
    flags = build_flags(settings, machine / "place")
    conf = (machine / "place" / "pip.conf").read_text()
    assert conf == (
        "[global]\nindex-url = https://packages.example.org/simple\n"
        "extra-index-url = file:///dev/pip-0/simple\nfind-links = /dev/pip-1\n"
    )
    assert str(machine) not in conf
    assert flags == [
        *("--secret", f"id=pip_conf,src={machine}/place/pip.conf"),
        *("--volume", f"{machine}/index:/dev/pip-0:ro"),  # an index links to the files beside it
        *("--volume", f"{machine}/wheels:/dev/pip-1:ro"),
    ]


def test_certificates_are_a_secret_of_their_own(machine):
    flags = build_flags({"cert": str(machine / "ca.pem")}, machine / "place")
    assert flags[:2] == ["--secret", f"id=ca_bundle,src={machine}/ca.pem"]
    assert "cert = /run/secrets/ca_bundle" in (machine / "place" / "pip.conf").read_text()


def test_settings_may_hold_a_password_so_only_their_owner_reads_the_copy(machine):
    build_flags({"index-url": "https://user:word@packages.example.org/simple"}, machine / "place")
    assert (machine / "place" / "pip.conf").stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_there_is_passed_on_as_it_is(machine):
    flags = build_flags({"find-links": "/nowhere/at/all"}, machine / "place")
    assert "--volume" not in flags
