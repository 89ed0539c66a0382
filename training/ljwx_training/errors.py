"""Every way in which a job ends without a result, each with its name and its exit code.

TrainingError
├── BadJob 10 · NotInstalled 11 · Busy 12 · Stopped 13
├── MissingFile 20 · WrongDigest 21 · DamagedBase 22 · UnknownArchitecture 23 · UnknownTokenizer 24 · BadTemplate 25
│   · OtherPrompts 26 · OtherAdapter 27
├── BadRows 30 · EmptySplit 31 · OneClassSplit 32 · TooLong 33
├── OtherRecipe 40 · DamagedCheckpoint 41
└── OutOfMemory 50 · NoSpace 51 · NotANumber 52 · ExportDiffers 53 · NothingTrained 54
"""

from __future__ import annotations

from typing import ClassVar


class TrainingError(Exception):
    """A job that cannot go on; the message is one line for its owner."""

    name: ClassVar[str] = "failed"
    code: ClassVar[int] = 1


class BadJob(TrainingError):
    """job.json is missing, is not JSON, or asks for something that does not exist."""

    name, code = "bad_job", 10


class NotInstalled(TrainingError):
    """A library that the job needs is not in this environment."""

    name, code = "not_installed", 11


class Busy(TrainingError):
    """Another process trains this job."""

    name, code = "busy", 12


class Stopped(TrainingError):
    """Somebody has put a file ``stop`` into the job's folder."""

    name, code = "stopped", 13


class MissingFile(TrainingError):
    """The base or a file of the dataset is not where the job says."""

    name, code = "missing_file", 20


class WrongDigest(TrainingError):
    """A file is not the one that the job names."""

    name, code = "wrong_digest", 21


class DamagedBase(TrainingError):
    """The base is not a whole GGUF file."""

    name, code = "damaged_base", 22


class UnknownArchitecture(TrainingError):
    """The base is of an architecture that cannot be trained here."""

    name, code = "unknown_architecture", 23


class UnknownTokenizer(TrainingError):
    """The base splits text in a way that is not known here."""

    name, code = "unknown_tokenizer", 24


class BadTemplate(TrainingError):
    """The chat template does not show where an answer begins or ends."""

    name, code = "bad_template", 25


class OtherPrompts(TrainingError):
    """The server that will serve the model makes other tokens of a prompt."""

    name, code = "other_prompts", 26


class OtherAdapter(TrainingError):
    """The adapter to go on with does not fit the base, or is of another shape than the job asks for."""

    name, code = "other_adapter", 27


class BadRows(TrainingError):
    """A row of the dataset is not a conversation that ends in an answer."""

    name, code = "bad_rows", 30


class EmptySplit(TrainingError):
    """A split has no rows."""

    name, code = "empty_split", 31


class OneClassSplit(TrainingError):
    """Classes are to be learned, and the train split has one only."""

    name, code = "one_class_split", 32


class TooLong(TrainingError):
    """A sample is longer than the model's context."""

    name, code = "too_long", 33


class OtherRecipe(TrainingError):
    """The job folder holds checkpoints of another recipe."""

    name, code = "other_recipe", 40


class DamagedCheckpoint(TrainingError):
    """A checkpoint that was whole has been changed."""

    name, code = "damaged_checkpoint", 41


class OutOfMemory(TrainingError):
    """Not even one sample at a time fits."""

    name, code = "out_of_memory", 50


class NoSpace(TrainingError):
    """The disk or a quota is full."""

    name, code = "no_space", 51


class NotANumber(TrainingError):
    """The loss or the gradient is not a finite number."""

    name, code = "not_a_number", 52


class ExportDiffers(TrainingError):
    """The file that was written does not answer as the trained model does."""

    name, code = "export_differs", 53


class NothingTrained(TrainingError):
    """The trained weights are those of the base."""

    name, code = "nothing_trained", 54
