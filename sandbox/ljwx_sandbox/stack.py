"""The whole stack on one machine: PostgreSQL, the two stand-in servers and Airflow, all on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import requests

from ljwx_sandbox import airflow, celery
from ljwx_sandbox.postgres import EmbeddedPostgres
from ljwx_sandbox.processes import ProcessFile, require_free_port, stop_families, stop_together, wait_until
from ljwx_sandbox.settings import REPOSITORY, SandboxError, SandboxSettings, port_variable

START_SECONDS = 180
VARIABLE = "ljwx_training_config"
STAND_INS = ("tushare", "ollama")
ALWAYS = ("airflow", "postgres", "baostock", *STAND_INS)
POOLS = {
    "ljwx_tushare": (2, "Calls to the TuShare server: raise with the tier's limit."),
    "ljwx_ollama": (1, "Builds and evaluations on the model server."),
    "ljwx_training": (1, "Trainings: one for each machine or GPU."),
}
DEFERRED_POOLS = {"ljwx_training"}
"""A deferred task keeps its slot there: its training goes on meanwhile."""

TRAINING_PYTHON = REPOSITORY / ".venv-training" / "bin" / "python"
"""An environment with torch; `make` sets it up for a demo that trains."""

_QUESTIONS: dict[str, Any] = {"questions": 8, "masked_share": 0.1, "test_share": 0.25}
_SMALL: dict[str, Any] = {
    "samples": {"max_train": 2000, "max_validation": 400, "max_test": 400, "min_market_stocks": 5},
    "evaluation": _QUESTIONS | {"class_questions": 60},
    "training": {"python": str(TRAINING_PYTHON), "environment": {"PYTHONPATH": str(REPOSITORY / "training")}},
}
SMALL: dict[str, Any] = {
    **_SMALL,
    "evaluation": _QUESTIONS | {"class_questions": 6},
    "model": {"base": "smollm2:135m", "parameters": {"num_ctx": 8192}, "examples_per_task": 1},
    "gate": {"min_questions": 8, "max_modal_share": 1.0, "min_faithful_share": 0.0, "max_unchecked_share": 1.0},
}
"""What a 135M model on two cores can do in minutes, laid over include/training_config.json.

Such a model mostly repeats its examples, classes and numbers: with the usual floors it would be rejected. Half of what
it writes about technical analysis is no known word. Behind examples a class alone takes almost as long as an answer, so
few are asked.
"""
TRAINED: dict[str, Any] = {
    **_SMALL,
    "samples": {
        "min_market_stocks": 5, "max_test": 400, "class_ratio": 1.0, "prompt_version": "v4",
    },
    "model": {
        "base": "smollm2:135m",
        "strategy": "lora",
        "parameters": {"num_ctx": 2048},
        "lora": {
            "max_samples": 240, "epochs": 3, "layers": 10, "max_validation": 20, "batch": 4, "micro_batch": 4,
            "learning_rate": 3e-3, "class_weight": 20, "truth_share": 0.1, "soft_targets": "logistic_cv",
            "evaluate_every": 240, "patience": 0, "output": "all_F16", "proof": 20,
        },
    },
    "evaluation": _QUESTIONS | {"questions": 24, "class_questions": 60},
    "gate": {"min_questions": 24},
}  # fmt: skip
"""The same machine, and weights that are trained for minutes, held to the usual floors.

Prompts v4 give the facts first, so that four samples about a stock and session cost little more than one, tell states
in the words of the classes, and their answers cite facts instead of writing numbers. With an adapter on the upper
blocks, each pass after the first takes two thirds of its time: what the blocks below make of samples is kept. Six
questions a task are asked: of two that are alike, even a model which is always right gives both one class. The class is
learned mostly from what a regression on the train split expects: what came of each of so few samples is mostly noise.
That regression is no surer than sessions bear which it was not fitted on: one that is says the same of all stocks when
the market turns. All classes are as frequent there: of a rare one, too few are seen.
"""
CONFIGS = {"lora": TRAINED, "fewshot": SMALL}
"""By the strategy that a demo is asked for."""


def check_strategy(strategy: str) -> None:
    """See that a strategy can be tried here, before anything is started for it.

    :raises SandboxError: it trains, and there is no Python that can.
    """
    if strategy == "lora" and not TRAINING_PYTHON.exists():
        raise SandboxError(f"there is no {TRAINING_PYTHON}: `make demo STRATEGY=lora` sets it up")


@dataclass(frozen=True)
class Stack:
    """All servers of one sandbox.

    :param settings: folder and ports.
    :param market: options of the simulated market, as the TuShare stand-in's command takes them. By default its
        stocks move further than that command's, so that the states which a prompt tells differ more.
    :param model_server: options of the Ollama stand-in, as its command takes them.
    :param config: laid over include/training_config.json, as the Variable `ljwx_training_config`.
    :param airflow_config: environment variables of Airflow's processes, laid over the sandbox's own.
    :param schedules: whether DAGs also run by the clock; otherwise only by hand and by assets.
    :param say: takes one line of progress.
    """

    settings: SandboxSettings
    market: Sequence[str] = (
        "--stocks", "60", "--seed", "7", "--effect", "0.9", "--volatility", "0.03", "--volatility-spread", "0.4",
    )  # fmt: skip
    model_server: Sequence[str] = ()
    airflow_config: Mapping[str, str] = field(default_factory=dict)
    schedules: bool = True
    config: Mapping[str, Any] = field(default_factory=lambda: SMALL)
    say: Callable[[str], None] = print

    @cached_property
    def postgres(self) -> EmbeddedPostgres:
        """The embedded database."""
        return EmbeddedPostgres(
            self.settings.home / "postgres", self.settings.ports["postgres"], self.settings.secret("postgres")
        )

    @cached_property
    def api(self) -> airflow.AirflowApi:
        """Airflow's REST API."""
        url = f"http://127.0.0.1:{self.settings.ports['airflow']}"
        return airflow.AirflowApi(url, self.settings.secret("airflow-login"))

    @cached_property
    def environment(self) -> dict[str, str]:
        """Environment of Airflow's processes and of its command line."""
        chosen = {"LJWX_SCHEDULES": "on" if self.schedules else "off"}
        database = self.postgres.url("airflow", "postgresql+psycopg2")
        if self.settings.executor == "celery":
            chosen |= celery.environment(self.settings, database)
        return {**airflow.environment(self.settings, database), **chosen, **self.airflow_config}

    @property
    def components(self) -> Mapping[str, Sequence[str]]:
        """The commands of Airflow's processes, in the order in which they are started."""
        own = {name: (airflow.executable("airflow"), *arguments) for name, arguments in airflow.COMPONENTS.items()}
        return own if self.settings.executor == "local" else {**own, **celery.worker_commands()}

    def is_up(self) -> bool:
        """Tell whether every server runs and Airflow reports itself healthy."""
        return all(self._file(name).find() for name in (*STAND_INS, *self.components)) and self.api.is_ready()

    def up(self) -> None:
        """Start what does not run yet; what an interrupted start left behind is stopped first."""
        if self.is_up():
            self.say(f"already up: {self.api.base_url}")
            return
        self.down()
        for name in (*ALWAYS, *(["redis"] if self.settings.executor == "celery" else [])):
            require_free_port(name, self.settings.ports[name], port_variable(name))
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop everything this sandbox started, and nothing else."""
        asking = [name for name in (*airflow.COMPONENTS, *celery.WORKERS) if name != "api-server"]
        for together in (asking, ["api-server", "redis", *STAND_INS]):  # a task that ends tells the API server so
            stop_together([self._file(name) for name in together])
        stop_families(self._trainers())
        self.postgres.stop()

    def _trainers(self) -> list[psutil.Process]:
        """Return the trainers that still run: they outlive the task that started them, and say in their folder who
        they are."""
        found = []
        for path in (self.settings.home / "data" / "training").glob("*/started.json"):
            with suppress(OSError, ValueError, TypeError, KeyError, psutil.Error):
                started = json.loads(path.read_text())
                process = psutil.Process(int(started["name"]))
                found += [process] if repr(process.create_time()) == started["mark"] else []
        return found

    def _start(self) -> None:
        self.say(f"PostgreSQL on 127.0.0.1:{self.settings.ports['postgres']}")
        self.postgres.start()
        for name in STAND_INS:
            self.say(f"{name} stand-in on 127.0.0.1:{self.settings.ports[name]}")
            self._file(name).start(self._stand_in(name), os.environ, self._log(name))
        self.say("Airflow: migrating its database")
        self._airflow_migrate()
        if self.settings.executor == "celery":
            self.say(f"Redis on 127.0.0.1:{self.settings.ports['redis']}, and {len(celery.WORKERS)} workers")
            self._file("redis").start(celery.redis_command(self.settings), os.environ, self._log("redis"))
        for name in self.components:
            self.start_component(name)
        self._wait("tushare", self._answers("tushare", "/_sandbox/stats"))
        self._wait("ollama", self._answers("ollama", "/api/version"))
        self.say(f"Airflow on {self.api.base_url}: api-server, scheduler, dag-processor, triggerer")
        self._wait("api-server", self.api.is_ready)
        self._connect()

    def start_component(self, name: str) -> None:
        """Start one of Airflow's processes, also after it has died."""
        self._file(name).start(self.components[name], self.environment, self._log(name))

    def _stand_in(self, name: str) -> list[str]:
        command = [sys.executable, "-m", f"ljwx_sandbox.{name}", "--host", "127.0.0.1"]
        command += ["--port", str(self.settings.ports[name])]
        if name == "ollama":
            return [*command, "--models", str(self.settings.home / "ollama"), *self.model_server]
        command += ["--baostock-port", str(self.settings.ports["baostock"])]
        return [*command, "--sessions", str(REPOSITORY / "include" / "sessions" / "sse.txt"), *self.market]

    def _airflow_migrate(self) -> None:
        log = self._log("db-migrate")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            command = [airflow.executable("airflow"), "db", "migrate"]
            done = subprocess.run(command, env=self.environment, stdout=output, stderr=output, check=False)
        if done.returncode:
            raise SandboxError(f"`airflow db migrate` failed; see {log}")

    def _connect(self) -> None:
        """Create the connections and pools that the DAGs name."""
        for connection in self.connections():
            self.api.put_connection(connection)
        for name, (slots, description) in POOLS.items():
            self.api.put_pool(name, slots, description, include_deferred=name in DEFERRED_POOLS)
        self.api.put_variable(VARIABLE, json.dumps(self.config), "Settings of a small machine; see README.")

    def choose(self, strategy: str) -> None:
        """Put the settings of a strategy in force; such as their owner has changed stay."""
        there = json.loads(self.api.get(f"variables/{VARIABLE}")["value"])
        if there == CONFIGS[strategy]:
            return
        if there not in CONFIGS.values():
            self.say(f"the Variable {VARIABLE} is not the sandbox's own, and stays as it is")
            return
        self.api.send("PATCH", f"variables/{VARIABLE}", {"key": VARIABLE, "value": json.dumps(CONFIGS[strategy])})

    def choose_source(self, source: str) -> None:
        """Let the connection `tushare_default` name a source: `tushare`, or `baostock`, which needs no token."""
        (tushare,) = self.connections("tushare_default")
        baostock = {"connection_id": "tushare_default", "conn_type": "baostock", "host": "127.0.0.1",
                    "port": self.settings.ports["baostock"]}  # fmt: skip
        self.api.renew_connection(baostock if source == "baostock" else tushare)

    def connections(self, *names: str) -> list[dict[str, Any]]:
        """The connections that the DAGs name, or only the named ones of them, as Airflow's API takes them."""
        ports = self.settings.ports
        local = {"host": "127.0.0.1"}
        every: list[dict[str, Any]] = [
            {"connection_id": "ljwx_postgres", "conn_type": "postgres", **local, "port": ports["postgres"],
             "login": "postgres", "password": self.settings.secret("postgres"), "schema": "warehouse"},
            {"connection_id": "tushare_default", "conn_type": "tushare", **local, "port": ports["tushare"],
             "schema": "http", "password": os.environ.get("LJWX_TUSHARE_TOKEN", "sandbox-5000")},
            {"connection_id": "ollama_default", "conn_type": "ollama", **local, "port": ports["ollama"],
             "schema": "http"},
        ]  # fmt: skip
        return [each for each in every if not names or each["connection_id"] in names]

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        process = self._file(name).find()
        if process is None:
            raise SandboxError(f"{name} ended while it started; see {self._log(name)}")
        wait_until(ready, process, name, self._log(name), START_SECONDS)

    def _answers(self, name: str, path: str) -> Callable[[], bool]:
        def ready() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{self.settings.ports[name]}{path}", timeout=5).ok
            except requests.RequestException:
                return False

        return ready

    def _file(self, name: str) -> ProcessFile:
        return ProcessFile(self.settings.home / "run" / f"{name}.json")

    def _log(self, name: str) -> Path:
        return self.settings.logs / f"{name}.log"
