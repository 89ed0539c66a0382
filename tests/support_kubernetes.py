"""A Kubernetes API of pods alone, over HTTP, which runs a pod's command as a process of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support_lazy import Lazy

client = Lazy("kubernetes.client")
PODS = "/api/v1/namespaces/stocks/pods"


class Cluster:
    """Pods by name, and the processes that run in them.

    :param python: what stands for the image's Python.
    :param refuse: status of every answer while it is set.
    :param waiting: reason and message for which new pods do not start.
    """

    def __init__(self, python: str) -> None:
        self.python = python
        self.pods: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.logs: dict[str, bytes] = {}
        self.refuse: int | None = None
        self.waiting: tuple[str, str] | None = None
        self.lock = threading.RLock()

    def create(self, pod: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        valid(pod)
        name = pod["metadata"]["name"]
        if name in self.pods:
            return problem(409, f'pods "{name}" already exists')
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now}
        pod["status"] = {"phase": "Pending"}
        self.pods[name] = pod
        self.created.append(pod)
        if self.waiting is None:
            self.run(name)
        return 201, self.state(name)

    def run(self, name: str) -> None:
        container = self.pods[name]["spec"]["containers"][0]
        given = {each["name"]: each["value"] for each in container["env"]}
        self.processes[name] = subprocess.Popen(
            [self.python, *container["command"][1:]], cwd=container["workingDir"],
            env={"PATH": os.environ["PATH"], **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def state(self, name: str) -> dict[str, Any]:
        pod, process = self.pods[name], self.processes.get(name)
        if process is None and self.waiting:
            reason, message = self.waiting
            state: dict[str, Any] = {"waiting": {"reason": reason, "message": message}}
            pod["status"] = {"phase": "Pending", "containerStatuses": [status(state)]}
        elif process is not None and process.poll() is None:
            pod["status"] = {"phase": "Running", "containerStatuses": [status({"running": {}})]}
        elif process is not None:
            code = process.returncode
            reason = "OOMKilled" if code == -9 else "Error" if code else "Completed"
            state = {"terminated": {"reason": reason, "exitCode": 137 if code == -9 else code}}
            phase = "Failed" if code else "Succeeded"
            pod["status"] = {"phase": phase, "containerStatuses": [status(state)]}
        return pod

    def log(self, name: str) -> bytes:
        process = self.processes[name]
        if name not in self.logs and process.poll() is not None:
            self.logs[name] = process.communicate()[0]
        return self.logs.get(name, b"")

    def delete(self, name: str, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        uid = (options.get("preconditions") or {}).get("uid")
        if uid not in {None, self.pods[name]["metadata"]["uid"]}:
            return problem(409, "the UID in the precondition does not match")
        process = self.processes.pop(name, None)
        if process is not None:
            process.kill()
            process.communicate()
        self.logs.pop(name, None)
        return 200, self.pods.pop(name)


def valid(pod: dict[str, Any]) -> None:
    """See that every field is one of the API, and none that it needs is missing: its own model says so."""
    api = client.ApiClient()
    answer = type("Answer", (), {"data": json.dumps(pod)})()
    read = api.deserialize(answer, "V1Pod")
    assert api.sanitize_for_serialization(read) == pod


def status(state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "trainer", "state": state, "image": "x", "imageID": "x", "ready": False, "restartCount": 0,
    }  # fmt: skip


def problem(code: int, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def matches(pod: dict[str, Any], selector: str) -> bool:
    wanted = dict(pair.split("=") for pair in selector.split(",") if pair)
    return bool(wanted.items() <= pod["metadata"]["labels"].items())


class Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def do_GET(self) -> None:
        self.answer(self.got)

    def do_POST(self) -> None:
        self.answer(lambda path, query: self.cluster.create(self.body()))

    def do_DELETE(self) -> None:
        self.answer(lambda path, query: self.found(path, lambda name: self.cluster.delete(name, self.body())))

    def got(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        cluster = self.cluster
        if path == PODS:
            selector = query.get("labelSelector", [""])[0]
            items = [cluster.state(name) for name, pod in cluster.pods.items() if matches(pod, selector)]
            return 200, {"kind": "PodList", "apiVersion": "v1", "items": items}
        if path.endswith("/log"):
            return self.found(path.removesuffix("/log"), lambda name: (200, cluster.log(name)))
        return self.found(path, lambda name: (200, cluster.state(name)))

    def found(self, path: str, then: Any) -> tuple[int, Any]:
        name = path.rpartition("/")[2]
        if path != f"{PODS}/{name}" or name not in self.cluster.pods:
            return problem(404, f'pods "{name}" not found')
        made: tuple[int, Any] = then(name)
        return made

    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    def answer(self, then: Any) -> None:
        parts = urlsplit(self.path)
        with self.cluster.lock:
            if self.cluster.refuse:
                code, found = problem(self.cluster.refuse, "pods is forbidden: User cannot create resource")
            else:
                code, found = then(parts.path, parse_qs(parts.query))
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(found, bytes) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running_cluster(python: str) -> Iterator[tuple[Cluster, str]]:
    """Serve a cluster; yielded are it and the extra of an Airflow connection to it."""
    cluster = Cluster(python)
    handler = type("OfThis", (Handler,), {"cluster": cluster})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        where = f"http://127.0.0.1:{server.server_address[1]}"
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": where}}],
            "users": [{"name": "me", "user": {"token": "none"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "stocks"}}],
        }  # fmt: skip
        yield cluster, json.dumps({"conn_type": "kubernetes", "extra": {"kube_config": config, "namespace": "stocks"}})
        server.shutdown()
        thread.join()
        for name in list(cluster.pods):
            cluster.delete(name, {})
