"""Measure: every figure, or one of them by name; writes build/bench.json and prints a table.

python -m benchmarks [--only NAME]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

RESULT = Path(__file__).resolve().parents[1] / "build" / "bench.json"

BENCHES = {
    "features_vs_ta": ("benchmarks.features", ">= 40"),
    "features_vs_talib": ("benchmarks.features", "<= 3"),
    "features_scale_rows_changed": ("benchmarks.features", "0"),
    "bars_write_vs_to_sql": ("benchmarks.warehouse", ">= 5"),
    "bars_write_vs_copy": ("benchmarks.warehouse", ">= 0.4"),
    "bars_merge_vs_copy": ("benchmarks.warehouse", "reported"),
    "year_rows_vs_seed": ("benchmarks.year", ">= 100"),
    "year_peak_rss_mb": ("benchmarks.year", "<= 1500"),
    "import_rows_vs_copy": ("benchmarks.importing", ">= 0.3"),
    "baostock_calls_per_250_sessions": ("benchmarks.year", "<= 600"),
    "samples_per_s": ("benchmarks.samples", ">= 20000"),
    "dataset_peak_rss_mb": ("benchmarks.samples", "<= 1000"),
    "eval_wall_vs_server": ("benchmarks.evaluation", "<= 1.15"),
    "eval_wall_vs_bare_slots": ("benchmarks.asking", "<= 1.15"),
    "eval_two_servers_speedup": ("benchmarks.asking", ">= 1.8"),
    "eval_prefix_speedup": ("benchmarks.evaluation", ">= 2"),
    "create_overhead_s": ("benchmarks.evaluation", "<= 2"),
    "gate_with_effect": ("benchmarks.gate", ">= 0.8"),
    "gate_without_effect": ("benchmarks.gate", "<= 0.05"),
    "gate_false_promotion_250": ("benchmarks.looks", "<= 0.05"),
    "gate_worse_promotion_250": ("benchmarks.looks", "<= 0.01"),
    "gate_ratchet_250": ("benchmarks.looks", "<= 0.05"),
    "gate_retrained_250": ("benchmarks.looks", "<= 0.05"),
    "gate_power_ic10_250": ("benchmarks.looks", ">= 0.95"),
    "gate_power_ic05_250": ("benchmarks.looks", ">= 0.8"),
    "gate_smallest_ic_250": ("benchmarks.looks", "reported"),
    "gate_power_bound_250": ("benchmarks.bounds", "reported"),
    "watch_false_alarms_per_year": ("benchmarks.watch", "<= 1"),
    "watch_found_in_60": ("benchmarks.watch", ">= 0.8"),
    "forward_wall_vs_client": ("benchmarks.forward", "<= 1.15"),
    "forward_two_servers_speedup": ("benchmarks.forward", ">= 1.8"),
    "page_p95_ms": ("benchmarks.pages", "<= 300"),
    "stored_analysis_p95_ms": ("benchmarks.pages", "<= 300"),
    "page_usable_ms": ("benchmarks.browser", "<= 1500"),
    "many_clients_p95_ms": ("benchmarks.clients", "<= 1000"),
    "chat_overhead_vs_model": ("benchmarks.chat", "<= 1.1"),
    "settle_rows_per_s": ("benchmarks.settle", ">= 20000"),
    "claims_precision": ("benchmarks.claims", ">= 0.97"),
    "claims_recall": ("benchmarks.claims", ">= 0.97"),
    "train_speedup_vs_plain": ("benchmarks.training", ">= 2"),
    "merge_s": ("benchmarks.training", "<= 5"),
    "lora_valid_share": ("benchmarks.trained", ">= 0.99"),
    "lora_faithful_share": ("benchmarks.trained", ">= 0.95"),
    "served_vs_trainer_max_diff": ("benchmarks.trained", "<= 0.05"),
    "lora_answer_vs_fewshot": ("benchmarks.trained", "<= 0.5"),
    "dag_parse": ("benchmarks.parse", "< 0.3"),
}
"""Name → module whose function of that name measures it, and what the figure should be."""

FIELDS = ("value", "unit", "ours", "peer", "runs")


def main(arguments: list[str] | None = None) -> int:
    """Run the benches; figures of earlier runs that are not measured again stay in the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the product.")
    told = f"once or more often, one of: {', '.join(BENCHES)}"
    parser.add_argument("--only", choices=BENCHES, metavar="NAME", action="append", help=told)
    only = parser.parse_args(arguments).only
    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as home:
        # Before anything imports airflow. Its logging would mix with the table.
        os.environ.update(
            AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR"
        )
        os.environ.setdefault("XDG_RUNTIME_DIR", home)
        _say(f"{'name':<26}{'value':>10} {'unit':<5}{'ours':>12}{'peer':>12}{'runs':>6}  wanted")
        for name in only or BENCHES:
            figures = measure(name)
            keep(name, figures)
            _say(_line(name, figures))
    _say(f"written to {RESULT}")
    return 0


def measure(name: str) -> dict[str, Any]:
    """Run one bench and return its figures: value, unit, ours, peer, runs, and a note where it needs one."""
    module, _ = BENCHES[name]
    figures: dict[str, Any] = getattr(importlib.import_module(module), name)()
    return figures


def keep(name: str, figures: dict[str, Any], path: Path = RESULT) -> None:
    """Put one bench's figures into the file."""
    path.parent.mkdir(exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | {name: figures}, indent=2) + "\n")


def _line(name: str, figures: dict[str, Any]) -> str:
    value, unit, ours, peer, runs = (figures[field] for field in FIELDS)
    text = f"{name:<26}{value:>10.3f} {unit:<5}{ours:>12.4g}{peer:>12.4g}{runs:>6}  {BENCHES[name][1]}"
    return f"{text}\n  {figures['note']}" if figures.get("note") else text


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
