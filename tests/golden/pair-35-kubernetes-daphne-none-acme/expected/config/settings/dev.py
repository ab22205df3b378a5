"""Settings for development and the tests; manage.py uses them.

Made by nextwizard, yours from now on.
"""

from .base import *  # noqa: F403
