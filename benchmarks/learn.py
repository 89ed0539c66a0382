"""Does it learn? A model trained where an effect is planted, and one where there is none, on sessions nobody has seen.

python -m benchmarks.learn [--base small|smollm2] [--market planted|none] [--short]

For each of the two simulated markets: a LoRA model is trained by the trainer, merged, served by the sandbox's server,
and asked for the class of cross-sections of later sessions; where an effect is planted, so is a model of the same base
with three examples in front. What each says is held against the class rates of the train split, and one against the
other, by the gate's own rule: Brier score session by session and RankIC day by day, betting at 5 %; beside them stands
the regression which softens the targets. The base is a small one made for the purpose, which has read prompts and
answers of another market without an effect; SmolLM2-135M would take ten hours a market. Every step leaves a file in
build/learn, and a run that was broken off goes on from there. ``--short`` tries the way and shows nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.gate import REPOSITORY
from benchmarks.lessons import Lessons, job, lessons
from benchmarks.training import run_trainer
from benchmarks.workbench import BASE, connection_of, model_server
from ljwx_sandbox.ollama.__main__ import base_gguf

FOLDER = REPOSITORY / "build" / "learn"
TASK, SEED, ALPHA, HORIZON = "investment_advice", 11, 0.05, 5
EFFECTS = {"planted": 0.95, "none": 0.0}
TRUTH_SHARE, CLASS_WEIGHT, LEARNING_RATE = 0.2, 20.0, 1e-3
"""Of the demo; the rest of the wanted class is what a regression on the train split expects."""
LOOKS = 4
"""At what is watched, within a training."""
FIRST = date(2023, 1, 3)
SEED_OF_READING = 8
SPLIT = {"train_share": 0.5, "validation_share": 0.4, "thin_gap": 1}


@dataclass(frozen=True)
class Size:
    """How much is learned, how often, and asked: of the unseen sessions so many, of so many stocks each."""

    train: int
    watched: int
    sessions: int
    stocks: int
    batch: int
    epochs: int = 1


SIZES = {"small": Size(7200, 96, 200, 20, batch=8, epochs=2), "smollm2": Size(960, 48, 120, 20, batch=4)}
SHORT = Size(8, 4, 2, 20, batch=4)
READ, READ_SHORT = 6000, 64
"""Rows that the small base reads, and of every ``EVERY``th again with ``EXAMPLES`` in front."""
EVERY, EXAMPLES = 13, 3


def main() -> int:
    """Go through both markets, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learn", description="Does it learn?")
    parser.add_argument("--base", choices=tuple(SIZES), default="small", help="what is trained")
    parser.add_argument("--market", choices=tuple(EFFECTS), help="go through this one alone")
    parser.add_argument("--short", action="store_true", help="a few samples and questions: is the way free?")
    options = parser.parse_args()
    folder = FOLDER / ("short" if options.short else "full") / options.base
    size, read = (SHORT, READ_SHORT) if options.short else (SIZES[options.base], READ)
    base = small_base(folder, read) if options.base == "small" else base_gguf()
    wanted = {options.market: EFFECTS[options.market]} if options.market else EFFECTS
    found = {name: learned(folder / name, effect, size, base) for name, effect in wanted.items()}
    for name, each in found.items():
        (folder / name / "judged.json").write_text(json.dumps(each, indent=1), encoding="utf-8")
    sys.stdout.write(table(found))
    return 0


def small_base(folder: Path, rows: int) -> Path:
    """Make a base of three million weights that has read prompts and answers of a market without an effect."""
    path = folder / "base.gguf"
    if not path.exists():
        taught = lessons(0.0, SEED_OF_READING, rows, 4, first=FIRST, **SPLIT)
        taught.write(folder, 1.0)
        lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
        conversations = [json.loads(line)["messages"] for line in lines]
        conversations += list(with_examples(conversations, taught.train["task"].n_unique()))
        read = "".join(json.dumps({"messages": each}, ensure_ascii=False) + "\n" for each in conversations)
        (folder / "read.jsonl").write_text(read, encoding="utf-8")
        program = REPOSITORY / "training" / "benchmarks" / "small.py"
        run_trainer(str(program), str(folder / "read.jsonl"), str(base_gguf()), str(path))
    return path


def with_examples(conversations: list[Any], tasks: int) -> Iterator[list[Any]]:
    """Yield some of the conversations with others of the same task in front, as a few-shot model sees them.

    :param tasks: how many there are; they come in turn, and ``EVERY`` is no multiple, so that each is among them.
    """
    for at in range(EXAMPLES * tasks, len(conversations), EVERY):
        system, *asked = conversations[at]
        before = (conversations[at - tasks * back][1:] for back in range(EXAMPLES, 0, -1))
        yield [system, *(message for each in before for message in each), *asked]


def learned(folder: Path, effect: float, size: Size, base: Path) -> dict[str, Any]:
    """Train and ask on one market; return what the gate's rule says of each pair."""
    taught = lessons(effect, SEED, size.train, size.watched, first=FIRST, tasks=[TASK], **SPLIT)
    train(folder, taught, size, base)
    asked = questions(taught, size)
    models = ("lora", "fewshot") if effect else ("lora",)
    given = {name: answers(folder, name, taught, asked, base) for name in models}
    return judged(taught, asked, given)


def train(folder: Path, taught: Lessons, size: Size, base: Path) -> None:
    """Train, or go on: the trainer knows what is done."""
    written = taught.write(folder, TRUTH_SHARE, logistic=True)
    digest = hashlib.sha256(base.read_bytes()).hexdigest()
    chosen = {
        "learning_rate": LEARNING_RATE, "batch": size.batch, "micro_batch": size.batch, "epochs": size.epochs,
        "evaluate_every": max(1, size.epochs * size.train // size.batch // LOOKS),
    }  # fmt: skip
    objective = {"classes": written["classes"], "class_weight": CLASS_WEIGHT}
    told = job(written, base, digest, hyperparameters=chosen, objective=objective, proof=4)
    (folder / "job.json").write_text(told, encoding="utf-8")
    run_trainer("-m", "ljwx_training", "run", str(folder))


def questions(taught: Lessons, size: Size) -> list[dict[str, Any]]:
    """Return cross-sections of the first sessions after those that were learned from."""
    rows = taught.unseen.sort("session", "ts_code").to_dicts()
    wanted = set(sorted({row["session"] for row in rows})[: size.sessions])
    stocks = set(sorted({row["ts_code"] for row in rows})[: size.stocks])
    return [row for row in rows if row["session"] in wanted and row["ts_code"] in stocks]


def answers(folder: Path, name: str, taught: Lessons, asked: list[dict[str, Any]], base: Path) -> dict[str, Any]:
    """Ask a served model for the class of each question; those that were asked before are read from their file."""
    path = folder / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {told["sample_id"]: told["probabilities"] for told in map(json.loads, lines)}
    left = [row for row in asked if row["sample_id"] not in known]
    if left:
        with served(folder, name, taught, base) as ask, path.open("a", encoding="utf-8") as file:
            for row in left:
                known[row["sample_id"]] = ask(row)
                file.write(json.dumps({"sample_id": row["sample_id"], "probabilities": known[row["sample_id"]]}) + "\n")
                file.flush()
    return known


@contextmanager
def served(folder: Path, name: str, taught: Lessons, base: Path) -> Iterator[Any]:
    """Serve a model, and yield what asks it."""
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.services.asking.classes import ClassTokens, ask_class
    from ljwx.services.asking.full import Prompted, Texts
    from ljwx.services.asking.servers import servers_of
    from ljwx.settings import load_settings

    with model_server(folder / "models", "--threads", os.environ.get("OMP_NUM_THREADS", "2")) as url:
        os.environ["AIRFLOW_CONN_OLLAMA_DEFAULT"] = connection_of(url)
        hook = OllamaHook()
        model = f"learn-{name}:1"
        list(hook.create(model, **made(hook, folder, name, taught, base)))
        settings, tokens, texts = load_settings({"model": {"base": BASE}}), ClassTokens(), Texts()
        (server,) = servers_of(settings)

        def ask(row: Mapping[str, Any]) -> Any:
            prompted = Prompted(row["sample_id"], TASK, row["snapshot"], row["prompt_version"])
            said = ask_class(server, model, prompted, settings, tokens, texts=texts)
            return None if said.probabilities is None else dict(said.probabilities)

        yield ask


def made(hook: Any, folder: Path, name: str, taught: Lessons, base: Path) -> dict[str, Any]:
    """Return what a model is created from: of the merged file, or of the base and three examples."""
    from ljwx.core.prompts import example_messages

    shown = hook.show(BASE)  # the small base has its template
    digest = hook.upload_blob(folder / "merged.gguf" if name == "lora" else base)
    parameters = {"temperature": 0, "num_ctx": 4096, "stop": shown.parameters["stop"]}
    told: dict[str, Any] = {"system": taught.prompts.system, "template": shown.template, "parameters": parameters}
    told |= {"files": {"model.gguf": f"sha256:{digest}"}}
    if name == "lora":
        return told
    picked = taught.train.unique("label", keep="first", maintain_order=True)
    examples = [(TASK, row["snapshot"], row["answer"]) for row in picked.to_dicts()]
    return told | {"messages": example_messages(examples, taught.prompts)}


def judged(taught: Lessons, rows: list[dict[str, Any]], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Hold each model against the class rates, and the trained one against the other, by the gate's own rule."""
    from ljwx.core.evaluations import Question, ScoredAnswer
    from ljwx.core.evidence.days import daily_moves
    from ljwx.core.evidence.sessions import of_answers, of_rates, ranking_differences, score_differences
    from ljwx.core.promotions.judging import RULE, against
    from ljwx.core.training.targets import class_rates

    asked = [
        Question(row["sample_id"], TASK, row["ts_code"], row["session"], row["label"], None, "", "") for row in rows
    ]
    outcomes = {row["sample_id"]: row["excess"] for row in rows}
    regression, rates = taught.regression(pl.DataFrame(rows)), class_rates(taught.train)[TASK]
    given = {**given, "regression": {row["sample_id"]: dict(regression(TASK, row["snapshot"])) for row in rows}}
    said = {name: {at: _scored(ScoredAnswer, at, each) for at, each in known.items()} for name, known in given.items()}
    calendar = taught.sessions[taught.sessions.index(asked[0].session) :]
    calendar = calendar[: calendar.index(asked[-1].session) + HORIZON + 1]
    moves = daily_moves(taught.bars, sorted({each.session for each in asked}), taught.sessions, HORIZON)
    found: dict[str, Any] = {"questions": len(asked), "samples": len(taught.train)}
    pairs = (*((name, None) for name in given), ("lora", "fewshot"))
    for name, rival in [pair for pair in pairs if {*pair} <= {None, *given}]:
        theirs = of_rates(rates) if rival is None else of_answers(said[rival])
        scores = score_differences(TASK, asked, of_answers(said[name]), theirs, RULE)
        others = said[rival] if rival else None
        ranks = ranking_differences(TASK, asked, said[name], others, outcomes, moves.of)
        weighed = against({TASK: ranks}, {TASK: scores}, calendar, HORIZON, ALPHA, by_day=True)
        found[f"{name} against {rival or 'class rates'}"] = {
            "sessions": len(scores),
            "brier": sum(each.value for each in scores) / len(scores),
            "brier_confirmed": weighed.scores[TASK].confirmed,
            "rank_ic": sum(each.value for each in ranks) / max(1, len(ranks)),
            "rank_ic_confirmed": weighed.ranking.confirmed,
        }
    found["log_score"] = {name: _log_score(asked, of_answers(each)) for name, each in said.items()}
    found["log_score"]["class rates"] = _log_score(asked, of_rates(rates))
    return found


def _scored(make: Any, sample_id: str, probabilities: Mapping[str, float] | None) -> Any:
    if probabilities is None:
        return make(sample_id, False, None, reason="no class")
    return make(sample_id, True, max(probabilities, key=lambda name: probabilities[name]), dict(probabilities))


def _log_score(asked: list[Any], said: Any) -> float:
    from ljwx.core.tasks import TASKS

    classes = TASKS[TASK].classes
    return sum(math.log(max(1e-6, said(each)[classes.index(each.label)])) for each in asked) / len(asked)


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as the page has them."""
    lines = ["| market | pair | sessions | Brier, better by | confirmed | RankIC, better by | confirmed |"]
    lines.append("| --- | --- | ---: | ---: | --- | ---: | --- |")
    for market, each in found.items():
        for pair, told in each.items():
            if " against " in pair:
                shown = [str(told["sessions"]), f"{told['brier']:+.4f}", str(told["brier_confirmed"])]
                shown += [f"{told['rank_ic']:+.3f}", str(told["rank_ic_confirmed"])]
                lines.append(f"| {market} | {pair} | {' | '.join(shown)} |")
    scores = (
        f"{market}: " + ", ".join(f"{n} {s:.3f}" for n, s in each["log_score"].items())
        for market, each in found.items()
    )
    return "\n".join([*lines, "", "Log score of a class: " + "; ".join(scores), ""])


if __name__ == "__main__":
    sys.exit(main())
