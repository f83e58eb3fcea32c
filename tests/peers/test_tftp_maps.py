"""Map files mean what they mean to tftpd-hpa: both servers send the same file for the same name."""

from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pytest

from helpers import tftp, tftp_servers
from helpers.daemon import directory
from helpers.tftp_files import client, get, store
from helpers.tftp_map_cases import COMMON
from superd_services.tftp.files import Refused
from superd_services.tftp.system.store import Store

pytestmark = [pytest.mark.peer, pytest.mark.root]

HOME = "127.0.0.1"
"""Where tftpd-hpa sees its client; the tables know another address, so expansions of it are left to the unit tests."""

CASES = [case for case in COMMON if "\\i" not in case[0] and "\\x" not in case[0]]
GROUPS = [
    (rules, [name for _, name, _ in group]) for rules, group in groupby(CASES, key=lambda case: case[0])
]


def ours(files: Store, name: str) -> str:
    try:
        return get(files, name, client(HOME)).decode()
    except Refused as refused:
        return f"ERROR {refused.code:d} {refused.text}"


def theirs(address: tftp.Address, name: str) -> str:
    answer = tftp.first_answer(address, tftp.request(tftp.RRQ, name))
    assert answer is not None
    if tftp.opcode_of(answer) == tftp.DATA:
        return answer[4:].decode()
    return f"ERROR {tftp.number_of(answer)} {answer[4:-1].decode()}"


def _write(path: Path, text: str) -> None:
    with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(("rules", "names"), GROUPS, ids=[ascii(rules) for rules, _ in GROUPS])
def test_the_same_file_is_sent(rules: str, names: list[str]) -> None:
    with directory() as home:
        root = home / "root"
        root.mkdir()
        for name in {made for each, _, made in CASES if each == rules} | set(names):
            _write(root / name.lstrip("/"), name)
        (home / "map").write_text(rules)
        with tftp_servers.tftpd_hpa(root, "-m", str(home / "map")) as address:
            files = store(root, map_file=str(home / "map"), backslashes="no")
            assert {name: ours(files, name) for name in names} == {
                name: theirs(address, name) for name in names
            }
