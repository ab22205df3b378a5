"""ASGI entry point of the deployed process; manage.py and the tests use other settings.

Made by nextwizard; an edit here survives `nextwizard regenerate`.
"""

import os

from django.core.asgi import get_asgi_application


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.prod")

application = get_asgi_application()
