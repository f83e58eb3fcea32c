"""Real clients at the other end of a cable get what bootptab says: BusyBox udhcpc, ISC dhclient and bootpc."""

import os
import pwd
import signal
from pathlib import Path

import pytest

from helpers.bootp import ADDRESS, ENTRY, ROUTER, Lab, bootpc, dhclient, dnsmasq, lab, serving, udhcpc
from helpers.cable import MAC, SERVER, Cable, cable, join
from helpers.namespace import namespace
from helpers.net import wait_until

pytestmark = [pytest.mark.root, pytest.mark.peer]

DELIVERIES = pytest.mark.parametrize(("delivery", "way"), [("auto", "frame"), ("broadcast", "broadcast")])

BOOT = f"{ENTRY}bf=boot.ipxe:ds=192.0.2.2 192.0.2.3:dn=example.org:hn:"


def delivered(served: Lab, way: str) -> None:
    """The client's answers all went this way."""
    answers = wait_until(served.answers, "an answer in the log")
    assert [line for line in answers if f"delivery={way}" not in line or MAC not in line] == []


@DELIVERIES
def test_udhcpc_gets_its_address(delivery: str, way: str) -> None:
    with lab(BOOT, delivery=delivery) as served:
        told = udhcpc(served.cable, "-O", "bootfile", "-O", "hostname")
        wanted = {
            "ip": ADDRESS,
            "subnet": "255.255.255.0",
            "router": ROUTER,
            "serverid": SERVER,
            "siaddr": SERVER,
        }
        assert told.items() >= {**wanted, "dns": "192.0.2.2 192.0.2.3", "hostname": "client50"}.items()
        assert told["boot_file"].endswith("boot.ipxe")
        delivered(served, way)


@DELIVERIES
def test_dhclient_gets_its_address(delivery: str, way: str) -> None:
    with lab(BOOT, delivery=delivery) as served:
        told = dhclient(served.cable)
        wanted = {"new_ip_address": ADDRESS, "new_subnet_mask": "255.255.255.0", "new_routers": ROUTER}
        assert told.items() >= {**wanted, "new_domain_name": "example.org"}.items()
        delivered(served, way)


def test_bootpc_asks_for_a_broadcast_and_gets_its_address_by_one() -> None:
    """It sets the flag of RFC 1542 section 3.1.1: its kernel throws away what comes to an address it does not have."""
    with lab(BOOT) as served:
        told = bootpc(served.cable, "--serverbcast")
        assert told.items() >= {"IPADDR": ADDRESS, "SERVER": SERVER, "NETMASK": "255.255.255.0"}.items()
        assert told["BOOTFILE"].endswith("boot.ipxe")
        delivered(served, "broadcast")


ASKS_FROM_ITS_ADDRESS = f"""
import socket
mac, address = bytes.fromhex("{MAC.replace(":", "")}"), socket.inet_aton("{ADDRESS}")
request = bytes([1, 1, 6, 0]) + b"\\x11" * 4 + bytes(4) + address + bytes(12) + mac
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(20)
    client.bind(("{ADDRESS}", 68))
    client.sendto(request.ljust(300, b"\\0"), ("{SERVER}", 67))
    answer, server = client.recvfrom(1000)
    print(answer[0], socket.inet_ntoa(answer[12:16]), *server)
"""


def test_a_client_that_has_an_address_is_answered_there() -> None:
    with lab(BOOT) as served:
        served.cable.client.ip("address", "add", f"{ADDRESS}/24", "dev", "wire")
        assert served.cable.client.python(ASKS_FROM_ITS_ADDRESS) == [f"2 {ADDRESS} {SERVER} 67"]
        delivered(served, "unicast")


@DELIVERIES
def test_a_service_bound_to_an_interface_hears_that_one_alone(delivery: str, way: str) -> None:
    with lab(BOOT, delivery=delivery, bind="wire") as served, namespace() as client:
        join(served.cable.server, client, "second", f"{SERVER}/24")
        assert udhcpc(Cable(served.cable.server, client), questions="2", seconds="1") == {}
        assert udhcpc(served.cable)["ip"] == ADDRESS
        delivered(served, way)


def test_a_client_that_is_in_no_table_gets_silence() -> None:
    with lab(BOOT.replace("525400", "525401")) as served:
        assert udhcpc(served.cable, questions="2", seconds="1") == {}
        assert served.answers() == []


def test_a_changed_table_counts_soon_and_a_broken_one_does_not() -> None:
    with lab(BOOT) as served:
        assert udhcpc(served.cable)["ip"] == ADDRESS
        replace(served.table, BOOT.replace(ADDRESS, "192.0.2.60"))
        wait_until(lambda: udhcpc(served.cable)["ip"] == "192.0.2.60", "the new table is used")
        replace(served.table, BOOT.replace("ha=", "ha=oops"))
        mistake = f"{served.table}:1"

        def complained() -> bool:
            assert udhcpc(served.cable)["ip"] == "192.0.2.60"
            problems = [line for line in served.daemon.log().splitlines() if "event=bootp.problem" in line]
            return any("level=warning" in line and mistake in line for line in problems)

        wait_until(complained, f"{mistake} in a warning")


def replace(table: Path, text: str) -> None:
    """Put another table in the place of one; its size tells them apart even within one tick of the file's clock."""
    other = table.with_suffix(".new")
    other.write_text(f"{text}\n# {'x' * len(table.read_text())}\n")
    other.replace(table)


def test_frames_are_sent_by_a_worker_of_the_services_user_without_any_capability() -> None:
    with lab(BOOT, user="games") as served:
        assert udhcpc(served.cable)["ip"] == ADDRESS
        delivered(served, "frame")
        [worker] = served.daemon.named("superd: worker bootps")
        text = Path(f"/proc/{worker.pid}/status").read_text()
        status = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()[1:]}
        assert {tuple(value) for name, value in status.items() if name.startswith("Cap")} == {("0" * 16,)}
        assert status["Uid:"] == [str(pwd.getpwnam("games").pw_uid)] * 4


def test_a_reload_goes_on_where_the_old_one_ended() -> None:
    with lab(BOOT) as served:
        assert udhcpc(served.cable)["lease"] == "86400"
        served.daemon.reload(served.daemon.conf.read_text().replace("{", "{\n\tlease_time = 3600"))
        assert udhcpc(served.cable)["lease"] == "3600"
        delivered(served, "frame")


ASKS_FOR_BOOT_FILES_ALONE = f"""
import socket
mac = bytes.fromhex("{MAC.replace(":", "")}")
header = bytes([1, 1, 6, 0]) + b"\\x11" * 4 + bytes(20) + mac
options = bytes([99, 130, 83, 99, 53, 1, 3, 60, 9]) + b"PXEClient" + bytes([93, 2, 0, 7, 255])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(20)
    client.bind(("{ADDRESS}", 4011))
    client.sendto(header.ljust(236, b"\\0") + options, ("{SERVER}", 4011))
    answer, server = client.recvfrom(1000)
    print(answer[108:236].rstrip(b"\\0").decode(), *server)
"""


def test_pxe_clients_may_ask_for_boot_files_alone_at_a_port_of_their_own() -> None:
    """PXE 2.1, section 2.2.4: they have an address by now, and another server gave it."""
    at_4011 = {"type": "INTERNAL UNLISTED", "port": 4011, "proxy": "yes", "boot_file": "uefi64=boot.efi"}
    with lab("", **at_4011) as served:
        served.cable.client.ip("address", "add", f"{ADDRESS}/24", "dev", "wire")
        assert served.cable.client.python(ASKS_FOR_BOOT_FILES_ALONE) == [f"boot.efi {SERVER} 4011"]
        delivered(served, "unicast")


def test_a_relay_agent_carries_questions_and_answers() -> None:
    """Ours is a network away, where no broadcast of the client comes; the relay agent is dnsmasq."""
    with cable() as wires, namespace() as far:
        wires.server.ip("link", "add", "far", "type", "veth", "peer", "name", "near", "netns", far.name)
        wires.server.ip("address", "add", "198.51.100.1/24", "dev", "far")
        far.ip("address", "add", "198.51.100.2/24", "dev", "near")
        wires.server.ip("link", "set", "far", "up")
        far.ip("link", "set", "near", "up")
        far.ip("route", "add", "default", "via", "198.51.100.1")
        relay = (f"--dhcp-relay={SERVER},198.51.100.2", "--interface=wire", "--interface=far")
        with serving(far, BOOT) as daemon, dnsmasq(wires.server, *relay):
            told = udhcpc(wires)
            assert (told["ip"], told["siaddr"]) == (ADDRESS, "198.51.100.2"), daemon.last_lines()
            daemon.wait_for_log(f"relay={SERVER}")
            daemon.wait_for_log("delivery=unicast")


def test_without_the_capability_root_needs_broadcasts_are_sent() -> None:
    without = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    with cable() as wires, serving(wires.server, BOOT, without) as daemon:
        assert udhcpc(wires)["ip"] == ADDRESS
        delivered(Lab(daemon, wires), "broadcast")


def test_a_worker_that_was_killed_is_replaced_by_one_that_sends_frames() -> None:
    with lab(BOOT) as served:
        [worker] = served.daemon.named("superd: worker bootps")
        os.kill(worker.pid, signal.SIGKILL)
        assert udhcpc(served.cable)["ip"] == ADDRESS
        delivered(served, "frame")


@DELIVERIES
def test_an_answer_has_the_address_of_the_link_of_the_question(delivery: str, way: str) -> None:
    network = "203.0.113"
    with lab(BOOT.replace("192.0.2", network), delivery=delivery) as served, namespace() as client:
        join(served.cable.server, client, "second", f"{network}.1/24")
        told = udhcpc(Cable(served.cable.server, client))
        assert told.items() >= {"ip": f"{network}.50", "serverid": f"{network}.1"}.items()
        delivered(served, way)
        assert "interface=second" in served.answers()[0]


@DELIVERIES
def test_an_answer_leaves_by_the_link_of_the_question(delivery: str, way: str) -> None:
    """Both links have the same address, so routing can't tell by which."""
    with lab(BOOT, delivery=delivery) as served, namespace() as client:
        join(served.cable.server, client, "second", f"{SERVER}/24")
        for wires in (served.cable, Cable(served.cable.server, client)):
            assert udhcpc(wires)["ip"] == ADDRESS
        delivered(served, way)
