"""Samples: snapshots, labels, tasks, splits and exports. Pure: nothing here may import airflow, HTTP or SQL.

The way through: :func:`build` makes SAMPLES with splits and a :class:`Proof` from bars and features, and
:func:`merge` compares them with the dataset before;
:func:`jsonl_lines`, :func:`alpaca_chunks`, :func:`dataset_info`, :func:`dataset_hash` and :func:`card` write them;
:func:`choose_examples` and :func:`example_messages` make few-shot messages; :func:`question`, :func:`answer_schema`,
:func:`parse_answer` and :func:`unsupported_claims` ask a model and check what it says.
"""

from ljwx.core.samples.answers import Fit
from ljwx.core.samples.balance import balance_svg
from ljwx.core.samples.build import Built, build
from ljwx.core.samples.card import card, card_markdown
from ljwx.core.samples.claims import unsupported_claims
from ljwx.core.samples.content import SAMPLE_COLUMNS
from ljwx.core.samples.examples import choose_examples
from ljwx.core.samples.exports import alpaca_chunks, dataset_hash, dataset_info, jsonl_lines
from ljwx.core.samples.members import MEMBERS, VALID_DAYS, WAY_OUT, lists_in_force, with_membership
from ljwx.core.samples.merge import Merge, merge
from ljwx.core.samples.prompts import Message, Prompts, example_messages, load_prompts, question
from ljwx.core.samples.snapshots import masked, snapshots
from ljwx.core.samples.spec import RISK_NOTE, RISK_STATEMENT, SPLITS, SampleSpec, Split, load_spec
from ljwx.core.samples.splits import Proof, Windows, prove
from ljwx.core.samples.tasks import CLASS_FIELD, Answer, answer_schema, label_of, parse_answer, probabilities_of
from ljwx.core.tasks import CLASSES, TASKS, Task

__all__ = [
    "CLASSES",
    "CLASS_FIELD",
    "MEMBERS",
    "RISK_NOTE",
    "RISK_STATEMENT",
    "SAMPLE_COLUMNS",
    "SPLITS",
    "TASKS",
    "VALID_DAYS",
    "WAY_OUT",
    "Answer",
    "Built",
    "Fit",
    "Merge",
    "Message",
    "Prompts",
    "Proof",
    "SampleSpec",
    "Split",
    "Task",
    "Windows",
    "alpaca_chunks",
    "answer_schema",
    "balance_svg",
    "build",
    "card",
    "card_markdown",
    "choose_examples",
    "dataset_hash",
    "dataset_info",
    "example_messages",
    "jsonl_lines",
    "label_of",
    "lists_in_force",
    "load_prompts",
    "load_spec",
    "masked",
    "merge",
    "parse_answer",
    "probabilities_of",
    "prove",
    "question",
    "snapshots",
    "unsupported_claims",
    "with_membership",
]
