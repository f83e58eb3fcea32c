"""The TFTP client and the lossy proxy of these tests understand servers that are not ours."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from helpers import tftp
from helpers.daemon import directory
from helpers.lossy import Weather, lossy
from helpers.tftp_servers import atftpd, dnsmasq, tftpd_hpa

pytestmark = [pytest.mark.root, pytest.mark.peer]

CONTENT = random.Random(1350).randbytes(50_000)
WITHOUT_LOSS = Weather(repeat=0.2, delay=0.3)

Server = Callable[[Path], AbstractContextManager[tftp.Address]]


@pytest.mark.parametrize("server", [tftpd_hpa, atftpd, dnsmasq])
class TestForeignServer:
    @pytest.mark.parametrize("options", [{}, {"blksize": 1428, "tsize": 0}, {"windowsize": 8}], ids=str)
    def test_is_read_from(self, server: Server, options: dict[str, int]) -> None:
        with directory() as root, server(root) as address:
            (root / "file").write_bytes(CONTENT)
            assert tftp.get(address, "file", options).data == CONTENT

    def test_is_read_from_through_repetition_and_disorder(self, server: Server) -> None:
        with directory() as root, server(root) as address, lossy(address, WITHOUT_LOSS) as proxy:
            (root / "file").write_bytes(CONTENT)
            assert tftp.get(proxy.address, "file", {"blksize": 1428}, silence=5).data == CONTENT
            assert proxy.counts.repeated
            assert proxy.counts.delayed

    def test_says_what_is_not_there(self, server: Server) -> None:
        with directory() as root, server(root) as address, pytest.raises(tftp.TransferError) as caught:
            tftp.get(address, "none")
        assert caught.value.code == 1


@pytest.mark.parametrize("server", [tftpd_hpa, atftpd])
def test_a_foreign_server_is_written_to(server: Server) -> None:
    with directory() as root, server(root) as address:
        (root / "file").touch()
        (root / "file").chmod(0o666)
        tftp.put(address, "file", CONTENT, {"blksize": 1428})
        with lossy(address, Weather()) as proxy:  # asked after the write, so that this is over
            assert tftp.get(proxy.address, "file").data == CONTENT
