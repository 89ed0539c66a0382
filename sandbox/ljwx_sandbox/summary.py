"""What a run of the pipeline made, read from the warehouse and told on one screen."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

QUERIES = {
    "days": """
        SELECT count(*) AS sessions, min(session) AS first, max(session) AS last,
               count(*) FILTER (WHERE NOT complete) AS incomplete FROM ljwx.ingest_days""",
    "rows": """
        SELECT (SELECT count(*) FROM ljwx.current_bars) AS bars,
               (SELECT count(*) FROM ljwx.current_features) AS features,
               (SELECT count(*) FROM ljwx.quarantine) AS quarantined,
               (SELECT count(DISTINCT ts_code) FROM ljwx.current_bars) AS stocks""",
    "dataset": """
        SELECT dataset_id, sha256, folder,
               count(m.sample_id) AS samples, count(m.sample_id) FILTER (WHERE m.split = 'train') AS train
        FROM ljwx.datasets d JOIN ljwx.dataset_samples m USING (dataset_id)
        GROUP BY dataset_id ORDER BY created_at DESC LIMIT 1""",
    "decision": """
        SELECT p.*, m.digest, m.strategy, m.base, m.spec, e.scorecard, t.result AS training FROM ljwx.promotions p
        JOIN ljwx.models m ON m.model = p.challenger
        LEFT JOIN ljwx.trainings t USING (recipe_id)
        LEFT JOIN ljwx.evaluations e ON e.model = p.challenger AND e.question_set_id = p.question_set_id
        ORDER BY p.promotion_id DESC LIMIT 1""",
    "champion": """
        SELECT a.model, coalesce(l.proven, p.proven) AS proven FROM ljwx.aliases a
        LEFT JOIN ljwx.promotions p USING (promotion_id)
        LEFT JOIN ljwx.models m ON m.model = a.model LEFT JOIN ljwx.lines l USING (line_id)
        WHERE a.alias = 'champion'""",
    "cleanup": """
        SELECT kind, name, reason FROM ljwx.retention_events
        WHERE run_key = (SELECT max(run_key) FROM ljwx.runs WHERE dag_id = 'ljwx_cleanup')""",
}
PROVEN = "proven: on the sessions counted it ranked stocks better than chance, and said more than class rates do"
UNPROVEN = (
    "unproven 未经证实: nothing shows yet that it ranks stocks better than chance does, or that its probabilities say "
    "more than how often each class came before. It serves because no other was shown to be better. Read its answers "
    "as a summary of facts, and not as a forecast."
)
RISK = "Not investment advice. 本内容由模型依据历史数据生成,仅供研究,不构成投资建议。"


def summarise(url: str) -> str:
    """Return the summary of the warehouse at `url`."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in QUERIES.items()}
    one: dict[str, dict[str, Any]] = {name: rows[0] if rows else {} for name, rows in found.items()}
    lines = ["", "── summary ──────────────────────────────────────────────────────────────"]
    lines += _data(one["days"], one["rows"])
    lines += _dataset(one["dataset"]) if one["dataset"] else ["dataset     none yet"]
    lines += _decision(one["decision"]) if one["decision"] else ["model       none yet"]
    lines += _champion(one["champion"])
    lines += [f"cleanup     would remove {len(found['cleanup'])} of the models and datasets"]
    lines += [f"            {row['kind']} {row['name']}: {row['reason']}" for row in found["cleanup"]]
    return "\n".join([*lines, RISK, ""])


def _data(days: dict[str, Any], rows: dict[str, Any]) -> list[str]:
    return [
        f"sessions    {days['sessions']} from {days['first']} to {days['last']}, {days['incomplete']} incomplete",
        f"bars        {rows['bars']:,} of {rows['stocks']} stocks, {rows['quarantined']} rows in quarantine",
        f"features    {rows['features']:,} rows",
    ]


def _dataset(dataset: dict[str, Any]) -> list[str]:
    return [
        f"dataset     {dataset['dataset_id']}: {dataset['samples']:,} samples, {dataset['train']:,} to train on",
        f"            sha256 {dataset['sha256']}",
        f"            {dataset['folder']}",
    ]


def _decision(decision: dict[str, Any]) -> list[str]:
    lines = [
        f"model       {decision['challenger']}  digest {decision['digest'][:12]}",
        f"            strategy {decision['strategy']} on {decision['base']}: {_made(decision['spec'])}",
    ]
    if decision["training"]:
        lines += _weights(decision["training"])
    if decision["scorecard"]:
        lines += _scorecard(decision["scorecard"])
    refused = ": it failed its verification" if decision["verdict"] == "refused" else ""
    lines.append(f"decision    {decision['verdict']}{refused}")
    signs = ((("+" if reason["favourable"] else "-"), reason["text"]) for reason in decision["reasons"])
    return [*lines, *(f"            {sign} {text}" for sign, text in signs)]


def _champion(champion: dict[str, Any]) -> list[str]:
    if not champion:
        return ["champion    none yet"]
    served = f"champion    {champion['model']}, served as {champion['model'].split(':')[0]}:latest"
    return [served, f"            {PROVEN if champion['proven'] else UNPROVEN}"]


def _made(spec: dict[str, Any]) -> str:
    """Say what was put on the base model, by what the build spec holds."""
    front = "examples in front of the base model" if spec.get("messages") else "a system prompt on the base model"
    weights = "it has weights of its own" if spec.get("gguf_sha256") else "no weights were changed"
    return f"{front}; {weights}"


def _weights(training: dict[str, Any]) -> list[str]:
    """Say what a training changed, from what the trainer reports of samples that it did not learn from."""
    trained, base = (training["parameters"][name] for name in ("trained", "base"))
    samples, before, after = training["samples"], *(training["validation"][name] for name in ("before", "after"))
    losses = f"{before['answer_loss']:.2f} before, {after['answer_loss']:.2f} after"
    lines = [
        f"weights     {trained:,} numbers trained beside {base:,} of the base ({trained / base:.1%}),",
        f"            on {samples['train']} samples in {training['steps']} steps and {training['seconds']:.0f} s",
        f"            loss of an answer's tokens on {samples['validation']} unseen samples: {losses}",
    ]
    if "class_log_score" in after:
        rates = training.get("class_rates_log_score")
        known = "" if rates is None else f"; class rates alone {rates:.2f}"
        lines.append(
            f"            log score of the classes: {before['class_log_score']:.2f} before, "
            f"{after['class_log_score']:.2f} after{known}"
        )
    proof = training.get("proof") or {}
    if "trained_from_base" in proof:
        lines.append(f"            probabilities of classes moved by up to {proof['trained_from_base']:.2f}")
    return lines


def _scorecard(cards: dict[str, Any]) -> list[str]:
    heads = ("", "accuracy", "valid", "macro F1", "s/answer")
    lines = ["scorecard   " + " ".join(f"{head:>12}" for head in heads)]
    for name, card in cards.items():
        overall = card["overall"]
        speed = f"{overall['latency']['p50']:.2f}" if name in {"model", "champion"} else "-"
        cells = (f"{overall['accuracy']:.3f}", f"{overall['valid_share']:.1%}", f"{overall['macro_f1']:.3f}", speed)
        lines.append("            " + " ".join(f"{cell:>12}" for cell in (name, *cells)))
    return lines
