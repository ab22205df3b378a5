import re

from django.test import Client, TestCase

from notes.models import Note


class NotesTests(TestCase):
    def submit(self, url, **fields):
        """Fill in the first form of a page and send it, as a browser does."""
        browser = Client(enforce_csrf_checks=True)
        html = browser.get(url).text
        action = re.search(r'<form action="([^"]+)"', html)[1]
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
        return browser.post(action, {**dict(hidden), **fields})

    def test_the_front_page_lists_notes(self):
        Note.objects.create(title="Milk", body="Two litres")
        page = self.client.get("/")
        self.assertContains(page, "Milk")
        self.assertContains(page, "next/components/note_card.css")

    def test_the_form_writes_a_row(self):
        answer = self.submit("/", title="Bread", body="Rye")
        self.assertRedirects(answer, "/", fetch_redirect_response=False)
        self.assertEqual(Note.objects.get().title, "Bread")

    def test_a_form_without_a_title_comes_back(self):
        answer = self.submit("/", title="")
        self.assertContains(answer, "This field is required.")
        self.assertFalse(Note.objects.exists())

    def test_a_note_is_read_and_deleted(self):
        url = Note.objects.create(title="Tea").get_absolute_url()
        self.assertContains(self.client.get(url), "Tea")
        answer = self.submit(url)
        self.assertRedirects(answer, "/", fetch_redirect_response=False)
        self.assertFalse(Note.objects.exists())

    def test_an_unknown_note_is_404(self):
        self.assertEqual(self.client.get("/notes/404/").status_code, 404)
