"""The built-in auth of inetd.conf keeps what its arguments promise (FreeBSD's inetd(8))."""

import pytest

from helpers.inetd_reading import codes, read
from superd import builtins

LINE = "auth stream tcp nowait root internal"
REAL = {"reply": "user", "noident": "no"}


def options(text: str) -> dict[str, str]:
    (service,), _ = read(text)
    return {name: " ".join(word.value for word in words) for name, words in service.options.items()}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {"reply": "hidden", "noident": "no"}),
        ("auth", {"reply": "hidden", "noident": "no"}),
        ("auth -r", REAL),
        ("auth -r -i", {**REAL, "reply": "uid"}),
        ("auth -rin", {"reply": "uid", "noident": "yes"}),
        ("auth -g", {**REAL, "reply": "random"}),
        ("auth -r -g", {**REAL, "reply": "random"}),
        ("auth -d nemo", {**REAL, "reply": "fake", "fake_user": "nemo"}),
        ("auth -dnemo", {**REAL, "reply": "fake", "fake_user": "nemo"}),
        (
            "auth -r -n -o UNKNOWN -t 30",
            {"reply": "user", "noident": "yes", "system": "UNKNOWN", "query_timeout": "30"},
        ),
    ],
)
def test_arguments_become_options_that_the_service_has(arguments: str, expected: dict[str, str]) -> None:
    found = options(f"{LINE} {arguments}\n")
    assert found == expected
    service = builtins.find("auth")
    assert service is not None
    service.options.model_validate(found)


@pytest.mark.parametrize(
    ("arguments", "code"), [("-r -f", "auth-fakeid"), ("-rF", "auth-fakeid"), ("-r -d nemo", "auth-fallback")]
)
def test_what_is_not_done_is_said(arguments: str, code: str) -> None:
    (service,), report = read(f"{LINE} auth {arguments}\n")
    assert codes(report) == [("warning", 1, code)]
    assert service.options["reply"][0].value == "user"


@pytest.mark.parametrize("arguments", ["-x", "-r nobody", "-o", "-t"])
def test_an_argument_that_is_none_leaves_the_service_out(arguments: str) -> None:
    services, report = read(f"{LINE} auth {arguments}\n")
    assert services == []
    assert codes(report) == [("error", 1, "bad-auth-argument")]


def test_other_built_ins_still_have_no_arguments() -> None:
    (service,), report = read("echo stream tcp nowait root internal echo -r\n")
    assert codes(report) == [("warning", 1, "internal-arguments")]
    assert service.options == {}
