"""The sandbox's processes, ports and secrets: what it starts it can find and stop, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ljwx_sandbox import processes
from ljwx_sandbox.processes import QUIET_PORTS, ProcessFile, require_free_port, wait_until
from ljwx_sandbox.settings import PORTS, SandboxError, SandboxSettings, port_variable
from ljwx_sandbox.stack import Stack
from support_ports import free_port

# A process that is started here outlives the call that starts it: that is its purpose.
pytestmark = pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning")

SLEEPS = "import signal; print('up', flush=True); signal.pause()"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
HAS_CHILDREN = (
    "import subprocess, sys, signal; "
    "children = [subprocess.Popen([sys.executable, '-c', code]) for code in sys.argv[1:]]; "
    "print('up', flush=True); signal.pause()"
)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[ProcessFile]:
    file = ProcessFile(tmp_path / "run" / "some.json")
    yield file
    process = file.find()
    for each in [process, *process.children(recursive=True)] if process else []:
        each.kill()


def start(record: ProcessFile, log: Path, program: str, *arguments: str, ups: int = 1) -> psutil.Process:
    """Start a Python program and wait until it and its children have said that they are up."""
    process = record.start([sys.executable, "-c", program, *arguments], os.environ, log)
    wait_until(lambda: log.read_text().count("up") >= ups, process, "program", log, 30)
    return process


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_started_process_is_found_by_another_command_and_stopped(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", SLEEPS)
    assert ProcessFile(record.path).find() == process
    record.stop()
    assert is_gone(process)
    assert record.find() is None
    assert not record.path.exists()


def test_a_started_process_survives_an_interrupt_of_its_starter(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", SLEEPS)
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_output_is_added_to_the_log(record: ProcessFile, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    for _ in range(2):
        record.start([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"], {}, log).wait()
    assert sorted(log.read_text().split()) == ["err", "err", "out", "out"]


def test_children_are_stopped_with_their_parent(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", HAS_CHILDREN, SLEEPS, SLEEPS, ups=3)
    children = process.children(recursive=True)
    assert len(children) == 2
    record.stop()
    assert [each.pid for each in (process, *children) if not is_gone(each)] == []


def test_children_that_outlived_their_killed_parent_are_stopped(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", HAS_CHILDREN, SLEEPS, SLEEPS, ups=3)
    children = process.children(recursive=True)
    process.kill()
    process.wait(60)
    assert [is_gone(each) for each in children] == [False, False]
    record.stop()
    psutil.wait_procs(children, timeout=60)
    assert [each.pid for each in children if not is_gone(each)] == []


def test_a_process_that_ignores_the_request_is_forced(
    record: ProcessFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    process = start(record, tmp_path / "log", IGNORES_TERM)
    record.stop()
    assert is_gone(process)


def test_a_family_that_ignores_the_request_is_forced_as_a_whole(
    record: ProcessFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    stubborn = HAS_CHILDREN.replace("print(", "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(")
    process = start(record, tmp_path / "log", stubborn, IGNORES_TERM, ups=2)
    children = process.children(recursive=True)
    record.stop()
    assert [each.pid for each in (process, *children) if not is_gone(each)] == []


def test_a_reused_pid_is_neither_found_nor_stopped(record: ProcessFile, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPS], stdout=subprocess.DEVNULL) as stranger:
        try:
            created = psutil.Process(stranger.pid).create_time()
            record.path.parent.mkdir()
            record.path.write_text(json.dumps({"pid": stranger.pid, "created": created - 3600}))
            assert record.find() is None
            record.stop()
            assert stranger.poll() is None
            assert not record.path.exists()
        finally:
            stranger.kill()


def test_a_process_that_died_is_forgotten(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", SLEEPS)
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=60)
    assert record.find() is None
    record.stop()
    assert not record.path.exists()


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"pid": 1}', '{"pid": "1", "created": 1}', "null"])
def test_a_damaged_record_is_no_process(record: ProcessFile, text: str) -> None:
    record.path.parent.mkdir()
    record.path.write_text(text)
    assert record.find() is None
    record.stop()
    assert not record.path.exists()


def test_stopping_what_never_ran_is_no_error(record: ProcessFile) -> None:
    record.stop()
    assert record.find() is None


def test_a_server_that_ends_while_it_starts_is_reported_with_the_end_of_its_log(
    record: ProcessFile, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = record.start([sys.executable, "-c", "raise SystemExit('no such model')"], os.environ, log)
    with pytest.raises(SandboxError, match=r"(?s)tester ended while it started; see .*log.*no such model"):
        wait_until(lambda: False, process, "tester", log, 30)


def test_a_server_that_never_gets_ready_is_reported(record: ProcessFile, tmp_path: Path) -> None:
    process = start(record, tmp_path / "log", SLEEPS)
    with pytest.raises(SandboxError, match=r"(?s)tester was not ready within 0 s; see .*log.*up"):
        wait_until(lambda: False, process, "tester", tmp_path / "log", 0)


def test_a_port_in_use_is_refused_with_the_variable_that_moves_it() -> None:
    with socket.socket() as user:
        user.bind(("127.0.0.1", 0))
        user.listen()
        port = user.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port} for airflow is in use; .*LJWX_PORT_AIRFLOW=<port>"):
            require_free_port("airflow", port, port_variable("airflow"))


@pytest.mark.parametrize(
    ("used", "found"), [(set(), [31_998, 31_999, 20_000]), ({31_998, 20_000}, [31_999, 20_001, 20_002])]
)
def test_the_next_ports_are_taken_where_some_are_in_use(
    used: set[int], found: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "is_free", lambda port: port not in used)
    assert processes.free_ports(3, 31_998) == found
    assert processes.free_port(31_998) == found[0]


def test_too_few_free_ports_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "is_free", lambda port: port == QUIET_PORTS[7])
    assert processes.free_port() == QUIET_PORTS[7]
    with pytest.raises(SandboxError, match="fewer than 2 ports from 20000 to 31999 are free"):
        processes.free_ports(2)


def test_a_free_port_is_accepted() -> None:
    require_free_port("airflow", free_port(), "LJWX_PORT_AIRFLOW")


def test_a_stack_with_a_port_in_use_starts_nothing(tmp_path: Path) -> None:
    with socket.socket() as user:
        user.bind(("127.0.0.1", 0))
        user.listen()
        ports = {name: free_port() for name in PORTS} | {"ollama": user.getsockname()[1]}
        with pytest.raises(SandboxError, match="LJWX_PORT_OLLAMA"):
            Stack(SandboxSettings(tmp_path, ports), say=lambda line: None).up()
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "postgres" / "PG_VERSION").exists()


def test_every_port_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(PORTS):
        monkeypatch.setenv(f"LJWX_PORT_{name.upper()}", str(20000 + number))
    assert SandboxSettings.from_environment().ports == {name: 20000 + at for at, name in enumerate(PORTS)}


def test_ports_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PORTS:
        monkeypatch.delenv(port_variable(name), raising=False)
    assert SandboxSettings.from_environment().ports == PORTS
    assert PORTS["airflow"] == 8080


@pytest.mark.parametrize("name", list(PORTS))
@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "8080.5", "", " 8080", "²"])
def test_a_port_that_is_no_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(port_variable(name), text)
    with pytest.raises(SandboxError, match=f"LJWX_PORT_{name.upper()}='{text}' is not a port"):
        SandboxSettings.from_environment()


def test_the_command_tells_a_wrong_port_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"LJWX_PORT_OLLAMA": "abc", "LJWX_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "ljwx_sandbox", "up"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "LJWX_PORT_OLLAMA='abc' is not a port" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        secret = SandboxSettings(tmp_path, PORTS).secret("postgres")
    finally:
        os.umask(mask)
    path = tmp_path / "secrets" / "postgres"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert SandboxSettings(tmp_path, PORTS).secret("postgres") == secret == path.read_text()
    assert len(secret) >= 32


def test_secrets_differ_by_name_and_by_sandbox(tmp_path: Path) -> None:
    one, other = SandboxSettings(tmp_path / "1", PORTS), SandboxSettings(tmp_path / "2", PORTS)
    assert len({one.secret("a"), one.secret("b"), other.secret("a")}) == 3


def test_the_home_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.setenv("LJWX_HOME", str(tmp_path))
    assert SandboxSettings.from_environment().home == tmp_path
    monkeypatch.delenv("LJWX_HOME")
    assert SandboxSettings.from_environment().home == repository / "var"


def test_airflow_listens_on_this_machine_only_and_keeps_no_foreign_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ljwx_sandbox.airflow import environment

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", "ollama://elsewhere")
    settings = SandboxSettings(tmp_path, PORTS | {"airflow": 18080})
    chosen = environment(settings, "postgresql://u@127.0.0.1/airflow")
    assert chosen["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert chosen["AIRFLOW__API__PORT"] == "18080"
    assert chosen["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_OLLAMA_DEFAULT" not in chosen
    passwords = Path(chosen["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
