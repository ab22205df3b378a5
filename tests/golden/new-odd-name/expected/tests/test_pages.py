"""The pages, asked as a browser asks them."""

from django.test import SimpleTestCase


class FrontPageTests(SimpleTestCase):
    def test_it_greets_within_the_layout(self):
        page = self.client.get("/")
        self.assertContains(page, "Welcome to")
        self.assertContains(page, '<html lang="en">')

    def test_the_component_brings_its_style(self):
        self.assertContains(self.client.get("/"), "greeting.css")

    def test_what_is_not_there_is_404(self):
        self.assertEqual(self.client.get("/nowhere/").status_code, 404)
