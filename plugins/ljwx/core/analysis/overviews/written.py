"""Sections as text with their marks, labelled as AI-generated and with the risk statement.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Sequence

from ljwx.core.analysis.analysis import Language, Section
from ljwx.core.analysis.words import LABELLED, LEGEND, RISK, SIGNS


def written(headline: str, sections: Sequence[Section], language: Language) -> str:
    """Return a headline with sections below it, without a line break at the end."""
    parts = [f"{headline}\n{LABELLED[language]}"]
    for section in sections:
        lines = (f"  {line.text}{SIGNS[line.mark]}" for line in section.lines)
        parts.append("\n".join((f"■ {section.title}", *lines)))
    return "\n\n".join((*parts, f"{LEGEND[language]}\n{RISK[language]}"))
