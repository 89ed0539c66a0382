from __future__ import annotations

import pytest

from ljwx_sandbox.ollama.template import CHATML, Template, TemplateError

TALK = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "U"},
    {"role": "assistant", "content": "A"},
    {"role": "user", "content": "V"},
]


def test_chatml_marks_every_turn_and_opens_the_answer() -> None:
    assert Template(CHATML).render(TALK[:2]) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    )


def test_conditions_else_and_functions() -> None:
    user = '{{ if eq .Role "user" }}<{{ .Content }}>'
    source = (
        "{{ range .Messages }}" + user + '{{ else if eq .Role "system" }}!{{ else }}({{ .Content }}){{ end }}{{ end }}'
    )
    assert Template(source).render(TALK) == "!<U>(A)<V>"


def test_root_and_trim_markers() -> None:
    source = "a \n {{- range .Messages }} {{ $.System }} {{- end -}}  z"
    assert Template(source).render(TALK[:2]) == "a S Sz"


def test_older_template_is_rendered_once_a_round() -> None:
    source = "{{ if .System }}[{{ .System }}]{{ end }}U:{{ .Prompt }} A:{{ .Response }};"
    assert Template(source).render(TALK) == "[S]U:U A:A;U:V A:;"


@pytest.mark.parametrize("source", ["{{ range .Messages }}", "{{ end }}", "{{ .A", "{{ call .A }}", "{{ .A | len }}"])
def test_broken_template_is_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        Template(source)
