"""next.dj serves the pages below web/pages; other routes go before it."""

from django.urls import include, path


urlpatterns = [path("", include("next.urls"))]
