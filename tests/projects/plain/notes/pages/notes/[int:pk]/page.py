from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from next import forms
from next.pages import context
from next.urls import DUrl, page_reverse

from notes.models import Note

metadata = {"title": "One note"}


@context("note")
def note(pk: DUrl[int]):
    return get_object_or_404(Note, pk=pk)


@forms.action("delete_note")
def delete_note(pk: DUrl[int]):
    get_object_or_404(Note, pk=pk).delete()
    return HttpResponseRedirect(page_reverse())
