"""Files that are made for each client, and what is known of a client's hardware address."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from helpers.tftp_files import client, get, options, refusal, store
from superd_services.tftp.files import Refused
from superd_services.tftp.system import neighbours


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tftp"
    root.mkdir()
    (root / "pxelinux.0").write_bytes(b"loader")
    return root


VIRTUAL = "#!ipxe\nset server @server@\nchain http://${server}/@hex@/@address@ me@@example.org\n"


@pytest.mark.parametrize(
    ("host", "made"),
    [
        ("192.0.2.10", b"set server 192.0.2.1\nchain http://${server}/C000020A/192.0.2.10 me@example.org"),
        (
            "2001:db8::a",
            b"set server 2001:db8::1\nchain http://${server}/%s/2001:db8::a me@example.org"
            % b"20010DB800000000000000000000000A",
        ),
    ],
)
def test_a_virtual_file_is_made_for_each_client(root: Path, tmp_path: Path, host: str, made: bytes) -> None:
    template = tmp_path / "menu.ipxe"
    template.write_text(VIRTUAL)
    files = store(root, virtual=[f"pxelinux.cfg/*={template}", f"/boot.ipxe={template}"])
    for name in ("boot.ipxe", "/pxelinux.cfg/default", r"pxelinux.cfg\C0000"):
        assert get(files, name, client(host)) == b"#!ipxe\n" + made + b"\n"
    assert get(files, "pxelinux.0", client(host)) == b"loader"


def test_a_template_is_read_once(root: Path, tmp_path: Path) -> None:
    template = tmp_path / "menu"
    template.write_text("old")
    files = store(root, virtual=[f"menu={template}"])
    template.unlink()
    assert get(files, "menu") == b"old"


def test_options_are_equal_only_if_the_files_they_name_say_the_same(root: Path, tmp_path: Path) -> None:
    template, rules = tmp_path / "menu", tmp_path / "map"
    template.write_text("old")
    rules.write_text("r a b\n")
    words = {"virtual": [f"menu={template}"], "map_file": str(rules)}
    before = options(root, **words)
    assert options(root, **words) == before
    template.write_text("new")
    assert options(root, **words) != before
    template.write_text("old")
    rules.write_text("r a c\n")
    assert options(root, **words) != before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("one\n@adress@\n", "menu:2: @adress@ stands for nothing"),
        (None, "menu: No such file or directory"),
    ],
)
def test_a_mistake_in_a_template_is_found_with_the_configuration(
    root: Path, tmp_path: Path, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "menu").write_text(text)
    with pytest.raises(ValidationError, match=problem):
        options(root, virtual=[f"menu={tmp_path}/menu"])


@pytest.mark.parametrize("word", ["menu", "menu=", "=/etc/menu", "menu=relative"])
def test_a_virtual_file_has_a_name_and_a_path(root: Path, word: str) -> None:
    with pytest.raises(ValidationError, match="written as name=template"):
        options(root, virtual=[word])


ARP = """\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.11       0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.10       0x1         0x2         52:54:00:AB:34:56     *        eth0
"""


@pytest.fixture
def arp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "arp").write_text(ARP)
    monkeypatch.setattr(neighbours, "TABLE", tmp_path / "arp")


@pytest.mark.usefixtures("arp")
def test_a_template_may_need_the_hardware_address(root: Path, tmp_path: Path) -> None:
    (tmp_path / "menu").write_text("BOOTIF=@bootif@ @mac@")
    files = store(root, virtual=[f"menu={tmp_path}/menu"])
    assert get(files, "menu", client("192.0.2.10")) == b"BOOTIF=01-52-54-00-ab-34-56 52:54:00:ab:34:56"
    for host in ("192.0.2.1", "192.0.2.11", "2001:db8::1"):
        assert refusal(files, "menu", client(host)) == (1, "File not found")
    with pytest.raises(Refused) as caught:
        get(files, "menu", client("192.0.2.11"))
    assert caught.value.reason == "the client's hardware address is not known"


@pytest.mark.usefixtures("arp")
def test_a_unique_root_may_be_named_after_the_hardware_address(root: Path) -> None:
    (root / "52-54-00-ab-34-56").mkdir()
    (root / "52-54-00-ab-34-56/own").write_bytes(b"own")
    files = store(root, unique_root="mac")
    assert get(files, "own", client("192.0.2.10")) == b"own"
    assert get(files, "pxelinux.0", client("192.0.2.11")) == b"loader"


def test_without_a_table_no_hardware_address_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (None, b"", b"\xff", b"header\nshort line\n"):
        if content is not None:
            (tmp_path / "arp").write_bytes(content)
        monkeypatch.setattr(neighbours, "TABLE", tmp_path / "arp")
        assert neighbours.hardware_address("192.0.2.10") is None
