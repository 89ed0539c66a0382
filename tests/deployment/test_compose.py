"""docker-compose.yaml, read by a Compose implementation's own `config`: no engine runs here, but the file is whole."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support_compose import COMPOSE, MISSING, OPTIONAL, PROFILES, ROOT, ReadCompose, config, required

pytestmark = pytest.mark.skipif(COMPOSE is None, reason=MISSING)

ALWAYS = {
    "airflow-db", "warehouse", "ollama", "ollama-init", "airflow-init", "airflow-api-server", "airflow-scheduler",
    "airflow-dag-processor", "airflow-triggerer",
}  # fmt: skip
ONCE = {"ollama-init", "airflow-init", "s3-init"}


@pytest.fixture(scope="module")
def read_compose() -> ReadCompose:
    """Runs the Compose implementation."""
    return config


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, read_compose: ReadCompose) -> dict[str, dict[str, Any]]:
    """Every service of every profile."""
    code, found, done = read_compose(tmp_path_factory.mktemp("compose"), required() | OPTIONAL, *PROFILES)
    assert code == 0, done.stderr
    return dict(found["services"])


def test_the_profiles_add_their_services_and_nothing_else(tmp_path: Path, services: dict[str, Any]) -> None:
    assert set(services) == ALWAYS.union(*PROFILES.values())
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        name: [profile] for profile, names in PROFILES.items() for name in names
    }


@pytest.mark.parametrize("name", sorted(required()))
def test_a_value_that_is_missing_is_refused_by_name(tmp_path: Path, name: str, read_compose: ReadCompose) -> None:
    code, _, done = read_compose(tmp_path, required() | {name: ""})
    assert code != 0
    assert f"set {name}" in done.stderr


@pytest.mark.parametrize(("service", "name"), [("redis", "REDIS_PASSWORD"), ("s3", "S3_PASSWORD")])
def test_a_profile_without_its_password_does_not_start(
    services: dict[str, Any], service: str, name: str, tmp_path: Path
) -> None:
    """The guard is in the container's own command, because Compose would ask for it without the profile too."""
    words = services[service].get("entrypoint") or services[service]["command"]
    guard = words[-1].replace("$$", "$").splitlines()[0]
    done = subprocess.run([*words[:-1], guard], env={name: ""}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"set {name} in .env" in done.stderr


def test_no_secret_has_a_default_and_none_is_in_the_file() -> None:
    text = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    secrets = re.findall(r"\$\{([A-Z_]*(?:PASSWORD|TOKEN|KEY|SECRET)[A-Z_]*)(:[-?][^}]*)?\}", text)
    assert len(secrets) > 8
    assert [name for name, rest in secrets if rest.startswith(":-") and rest != ":-"] == []
    assert re.findall(r"PASSWORD: (?!\$)\S+", text) == []


def test_everything_published_is_on_this_machine_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    for port in ports:
        host = port.split(":")[0] if isinstance(port, str) else port["host_ip"]
        assert host == "127.0.0.1"


def test_every_service_that_stays_is_watched_and_restarted(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] in ({"on-failure"} if name in ONCE else {"unless-stopped"}), name
        if name not in ONCE:
            assert service["healthcheck"]["test"], name


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    images |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [image for image in images if not re.search(r":v?\d+\.\d+", image)] == []


def test_state_is_kept_in_volumes(services: dict[str, Any]) -> None:
    kept = {name: [str(volume) for volume in service.get("volumes", ())] for name, service in services.items()}
    for name in ("airflow-db", "warehouse", "ollama", "s3", "airflow-scheduler"):
        assert kept[name], name


def test_files_of_the_checkout_stand_in_for_packaged_ones_in_every_process_of_airflow(
    services: dict[str, dict[str, Any]],
) -> None:
    ours = {name: service for name, service in services.items() if "LJWX_DATA" in service.get("environment", {})}
    assert len(ours) >= 5
    for name, service in ours.items():
        named = service["environment"]["LJWX_INCLUDE"]
        (mount,) = (volume for volume in service["volumes"] if volume_target(volume) == named)
        assert str(ROOT / "include") in str(mount), name


def volume_target(volume: Any) -> str:
    return str(volume["target"]) if isinstance(volume, dict) else str(volume).split(":")[1]


def test_the_image_has_the_package_with_its_files() -> None:
    """The link within the package leads to include/ beside plugins/ when the wheel is built, and to no other place."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {line.split()[-2]: (at, line.split()[-1]) for at, line in enumerate(lines) if line.startswith("COPY")}
    (built,) = (at for at, line in enumerate(lines) if line.startswith("RUN pip install") and line.endswith("/plugins"))
    link = Path(copied["plugins"][1]) / "ljwx" / (ROOT / "plugins" / "ljwx" / "_include").readlink()
    assert os.path.normpath(link) == copied["include"][1]
    assert lines[built].split()[-1] == copied["plugins"][1]
    assert built > max(copied["plugins"][0], copied["include"][0])


def test_the_celery_profile_hands_the_same_broker_to_scheduler_and_worker(
    tmp_path: Path, read_compose: ReadCompose
) -> None:
    values = required() | OPTIONAL | {"AIRFLOW_EXECUTOR": "CeleryExecutor"}
    _, found, _ = read_compose(tmp_path, values, "celery")
    told = {
        (env["AIRFLOW__CORE__EXECUTOR"], env["AIRFLOW__CELERY__BROKER_URL"], env["AIRFLOW__CELERY__RESULT_BACKEND"])
        for name in ("airflow-scheduler", "airflow-worker")
        for env in [found["services"][name]["environment"]]
    }
    assert len(told) == 1
    assert next(iter(told))[:2] == ("CeleryExecutor", "redis://:redis-secret@redis:6379/0")


def test_the_image_has_what_every_profile_needs() -> None:
    """Every requirements file but those of the sandbox and of the work on the package is copied and installed."""
    elsewhere = {"requirements-sandbox.txt", "requirements-model.txt", "requirements-dev.txt"}
    needed = {path.name for path in ROOT.glob("requirements*.txt")} - elsewhere
    assert len(needed) == 5
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    copied = next(line for line in dockerfile.splitlines() if line.startswith("COPY") and "constraints.txt" in line)
    installed = next(line for line in dockerfile.splitlines() if line.startswith("RUN pip install"))
    assert [name for name in needed if name not in copied.split()] == []
    assert set(re.findall(r"-r (\S+)", installed)) == needed
    assert "-c constraints.txt" in installed
