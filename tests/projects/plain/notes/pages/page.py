from next import forms
from next.pages import context

from notes.models import Note

metadata = {"title": "Notes", "description": "Everything written so far."}


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["title", "body"]
        success_message = "Saved %(title)s."


@context("notes")
def notes():
    return Note.objects.all()
