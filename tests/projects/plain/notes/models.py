from django.db import models
from next.urls import page_reverse


class Note(models.Model):
    title = models.CharField(max_length=80)
    body = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return page_reverse("notes/[int:pk]", pk=self.pk)
