"""Pages that tests add to a sample: a poll, a consent, a submit, what is forbidden."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path


PAGE = """
from next import forms

metadata = {"title": "Lively"}


class GuessForm(forms.Form):
    number = forms.IntegerField(min_value=1, max_value=9)

    class Meta:
        success_message = "Guessed."
"""
TEMPLATE = """
<h1>Lively</h1>
{% zone "clock" poll="1s" %}<p id="clock">{% now "U" %}</p>{% endzone %}
{% #consented "statistics" %}<p id="granted">Counted.</p>
{% else %}<p id="denied">Not counted.</p>{% /consented %}
{% form "guess_form" class="guess" novalidate="novalidate" %}
  {{ form }}
  <button>Guess</button>
{% endform %}
"""
SCRIPTS = """
from next.scripts import Script

scripts = [Script(name="count", src="count.js", category="statistics")]
"""
CONSENT = """
NEXT_FRAMEWORK = {"CONSENT": {"CATEGORIES": ["necessary", "statistics"]}}
"""
INLINE = '<script>window.foreign = true;</script>\n<p class="red" style="color: red">'


def add(root: Path) -> None:
    """Give the plain sample project /lively/, and /inline/, which no policy allows."""
    pages = root / "notes" / "pages"
    _write(pages / "lively" / "page.py", PAGE)
    _write(pages / "lively" / "template.djx", TEMPLATE)
    _write(pages / "inline" / "template.djx", INLINE)
    _write(pages / "scripts.py", SCRIPTS)
    _write(root / "notes" / "static" / "count.js", "window.counted = true;\n")
    with (root / "config" / "settings.py").open("a", encoding="utf-8") as file:
        file.write(CONSENT)


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text.lstrip(), encoding="utf-8")


__all__ = ["add"]
