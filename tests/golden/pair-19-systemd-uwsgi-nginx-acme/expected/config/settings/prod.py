"""Settings of the deployed process.

Made by nextwizard; an edit here survives `nextwizard regenerate`, and
`nextwizard explain` tells why a line is what it is. Secrets come from the environment:
on the host from /etc/site/env, which only root can read.
"""

import os
from copy import deepcopy
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from config.settings import base
from config.settings.base import *  # noqa: F403


_env_file = "/etc/site/env"


def _secret(name: str, build: str = "") -> str:
    """Return a variable the host must set; BUILD=1 does without, for collectstatic."""
    value = os.environ.get(name, "")
    if not value and os.environ.get("BUILD") == "1":
        return build or os.urandom(40).hex()
    if not value:
        where = f"Set it in {_env_file}; deploy/README.md tells how."
        message = f"{name} is not set. {where}"
        raise ImproperlyConfigured(message)
    return value


def _list(name: str, default: list[str]) -> list[str]:
    """Return a comma-separated variable, or what the answers said."""
    value = os.environ.get(name, "")
    return [part.strip() for part in value.split(",") if part.strip()] or default


_root = Path(__file__).resolve().parents[2]
_state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/site"))

DEBUG = False
SECRET_KEY = _secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = _list("ALLOWED_HOSTS", ["site.example.org"])
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", ["https://site.example.org"])

# The proxy ends TLS and overwrites this header, so a visitor cannot forge it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# The preload list is hard to leave, so nobody is put on it unasked (security.W021).
SECURE_HSTS_PRELOAD = False
SILENCED_SYSTEM_CHECKS = [
    *getattr(base, "SILENCED_SYSTEM_CHECKS", []),
    # next.dj 0.10 says it falsely whenever Django happens to run that check first.
    "next.E149",
    "security.W021",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

_first = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
]
MIDDLEWARE = [
    "config.liveness.liveness",
    *_first,
    *(name for name in base.MIDDLEWARE if name not in _first),
]
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "object-src": [CSP.NONE],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
TEMPLATES = deepcopy(base.TEMPLATES)
for _engine in TEMPLATES:
    _processors = _engine.setdefault("OPTIONS", {}).setdefault("context_processors", [])
    if "django.template.context_processors.csp" not in _processors:
        _processors.append("django.template.context_processors.csp")

NEXT_FRAMEWORK = {
    # A missing name or a broken page is an error here, not a quiet gap.
    "STRICT_CONTEXT": True,
    "STRICT_LOADING": True,
    "LAZY_COMPONENT_MODULES": False,
    "SITE": {
        "URL": os.environ.get("SITE_URL", "https://site.example.org"),
    },
}

STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", _root / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    **getattr(base, "STORAGES", {}),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}

DATABASES = {
    "default": dj_database_url.parse(
        _secret("DATABASE_URL", build="sqlite://:memory:"),
        conn_max_age=60,
        conn_health_checks=True,
    )
}
# A database that says nothing must not hold every thread, and liveness with them:
# seconds to connect, milliseconds until a connection without another end is given up.
_libpq = {"connect_timeout": 3, "tcp_user_timeout": 10000}
_mysql = {"connect_timeout": 3}
_limits = {"postgresql": _libpq, "postgis": _libpq, "mysql": _mysql}
_default = DATABASES.get("default", {})
_kind = _default.get("ENGINE", "").rpartition(".")[2]
# What OPTIONS or the URL say themselves wins.
_default["OPTIONS"] = _limits.get(_kind, {}) | _default.get("OPTIONS", {})

_mail_port = int(os.environ.get("EMAIL_PORT", "25"))
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": os.environ.get("EMAIL_HOST", "localhost"),
            "port": _mail_port,
            "username": os.environ.get("EMAIL_USER", ""),
            "password": os.environ.get("EMAIL_PASSWORD", ""),
            "use_tls": _mail_port == 587,
            "use_ssl": _mail_port == 465,
            "timeout": 10,
        },
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"handlers": ["stdout"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # Django's own handlers are for development and for mail to ADMINS.
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
