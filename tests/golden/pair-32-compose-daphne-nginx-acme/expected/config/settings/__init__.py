"""The settings, split by environment: base.py, dev.py and prod.py.

Made by nextwizard, yours from now on. An empty file here would be a trap: Django would
run with no settings at all and report nothing.
"""

import os


if os.environ.get("DJANGO_SETTINGS_MODULE") == __name__:
    from django.core.exceptions import ImproperlyConfigured

    message = f"{__name__} is a package now. Use {__name__}.dev or {__name__}.prod."
    raise ImproperlyConfigured(message)
