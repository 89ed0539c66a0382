"""Old samples that a training which goes on with the champion's adapter sees again."""

from __future__ import annotations

from datetime import date, datetime, timezone

import polars as pl

from ljwx.strategies.lora.samples import _replayed
from ljwx.warehouse.trainings import Training

MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Kept:
    """A warehouse that holds the samples of an older dataset."""

    def __init__(self, samples: pl.DataFrame) -> None:
        self.samples = samples

    def training_samples(self, _: str, __: str) -> pl.DataFrame:
        return self.samples


def sampled(*told: tuple[str, int, int]) -> pl.DataFrame:
    """Samples by name, day of the session and of the label's end."""
    rows = [
        {
            "sample_id": name, "ts_code": "000001.SZ", "task": "price_direction", "session": date(2026, 1, day),
            "label_end": date(2026, 1, end),
        }
        for name, day, end in told
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_old_samples_are_seen_again_but_none_that_is_new_or_late_or_reaches_what_is_looked_at() -> None:
    new, watched = sampled(("n1", 5, 8), ("n2", 12, 15)), sampled(("w1", 20, 25))
    old = sampled(("o1", 2, 5), ("o2", 3, 6), ("n1", 5, 8), ("late", 13, 16), ("far", 12, 20))
    before = Training("r" * 12, {}, "old", "0" * 64, "/job", MOMENT, "a" * 64, None, None, None, None)
    for most, seen in ((9, {"o1", "o2"}), (1, None), (0, set())):
        again = _replayed(Kept(old), new, watched, most, 7, before)  # type: ignore[arg-type]
        assert len(again) == min(most, 2)
        assert seen is None or set(again["sample_id"]) == seen
    assert _replayed(Kept(old), new, watched, 9, 7, None).is_empty(), "from the base nothing is replayed"  # type: ignore[arg-type]
