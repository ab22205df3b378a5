"""What the settings are told: paths, releases, where prod.py lies, what stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide import version_of


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Settings, Value


_MAIL_NAMES = frozenset(
    "EMAIL_BACKEND EMAIL_FILE_PATH EMAIL_HOST EMAIL_HOST_PASSWORD EMAIL_HOST_USER "
    "EMAIL_PORT EMAIL_SSL_CERTFILE EMAIL_SSL_KEYFILE EMAIL_TIMEOUT EMAIL_USE_SSL "
    "EMAIL_USE_TLS".split()
)
_NEEDED_MIDDLEWARE = (
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


def alone(ledger: Ledger) -> None:
    """Decide that application and proxy share one host; `hosts` says otherwise."""
    rows: dict[str, Value] = {
        "hosts.all": (),
        "hosts.on": False,
        "hosts.own": False,
        "hosts.callers": (),
        "unit.folder": f"deploy/{ledger['hosting.target']}",
        "unit.uwsgi": "deploy/uwsgi.ini",
        "unit.free_bind": False,
        "unit.callers": (),
    }
    ledger.table(rows, "application and proxy share a host", "hosting.hosts")


def settings(ledger: Ledger) -> None:
    """Decide everything prod.py starts from."""
    _paths(ledger)
    _versions(ledger)
    _module(ledger)
    _base_names(ledger)
    _storages(ledger)


def _paths(ledger: Ledger) -> None:
    """Decide where things lie on the host."""
    name = ledger.text("project.name")
    target = ledger.text("hosting.target")
    contained = target in rules.CONTAINERS
    root = "/app" if contained else ledger.text("hosting.root")
    origin = "in the image" if contained else ledger.origin("hosting.root")
    why = origin if contained else f"below hosting.root ({origin})"
    layout = ledger.project.layout
    manage, home = layout.manage, layout.source_root
    folder = manage.rpartition("/")[0]
    system = ledger.text("project.runner") == "system" and not contained
    venv = "/opt/venv" if contained else "/usr" if system else f"{root}/.venv"
    python = "/usr/bin/python3" if system else f"{venv}/bin/python"
    state, kept = f"/var/lib/{name}", "systemd's StateDirectory"
    if contained:
        state, kept = "/data", "the one place in the image that the process may fill"
    rows = {
        "paths.root": (root, origin),
        "paths.manage": (f"{root}/{manage}", why),
        "paths.manage_here": (manage, "where the project keeps it"),
        "paths.workdir": (f"{root}/{folder}" if folder else root, why),
        "paths.sources": (f"{root}/{home}" if home else "", why),
        "paths.python": (python, ledger.origin("project.runner")),
        "paths.package": (layout.package_dir, "where the project keeps it"),
        "paths.boot": (f"{root}/deploy/boot.py", why),
        "paths.venv": (venv, why),
        "paths.bin": (python.rpartition("/")[0], ledger.origin("project.runner")),
        "paths.uwsgi": (f"{root}/{ledger['unit.uwsgi']}", why),
        "paths.gunicorn": (f"{root}/deploy/gunicorn.conf.py", why),
        "paths.static": (f"{root}/staticfiles", why),
        "paths.state": (state, kept),
        "paths.env": _env(target, name),
        "paths.env_dir": (f"/etc/{name}", "read by root before privileges drop"),
    }
    for key, (value, reason) in rows.items():
        ledger.decide(key, value, reason, "hosting.root")
    for key in ("name", "title", "package", "runner"):
        ledger.follow(f"project.{key}", f"project.{key}")
    for key in ("target", "user", "group", "proxy_user"):
        ledger.follow(f"hosting.{key}", f"hosting.{key}")
    homes = ("/home/", "/tmp/", "/var/tmp/")  # noqa: S108 - compared, not used
    ledger.decide(
        "unit.home",
        root.startswith(homes),
        "ProtectHome and PrivateTmp hide such a root; it is bound back read-only",
        "hosting.root",
        f"{rules.SYSTEMD}/systemd.exec.html#ProtectHome=",
    )


def _env(target: str, name: str) -> tuple[str, str]:
    """Return where the process gets its secrets from, and how."""
    if target == "compose":
        return f"deploy/{name}.env", "compose reads it on the host; no layer holds it"
    if target == "kubernetes":
        secret = f"{name.replace('_', '-')}-env"
        return f"the Secret {secret}", "made by hand in the namespace, in no manifest"
    if target == "procfile":
        return "the platform's own settings", "set once; no file of the image holds it"
    return f"/etc/{name}/env", "read by root before privileges drop"


def _versions(ledger: Ledger) -> None:
    """Decide what the project's releases of Django and next.dj understand."""
    versions = ledger.project.versions
    django = version_of(versions.get("django", ""), "6.1")
    nextdj = version_of(versions.get("next.dj", ""), "0.10")
    known = versions.get("django", "not pinned; 6.1 is assumed")
    for key, value, words in (
        ("django.csp", django >= (6, 0, 0), "SECURE_CSP came with Django 6.0"),
        ("django.mailers", django >= (6, 1, 0), "MAILERS came with Django 6.1"),
        ("nextdj.site", nextdj >= (0, 10, 0), "SITE came with next.dj 0.10"),
        (
            "nextdj.unmapped",
            nextdj < (0, 10, 0),
            "older ones lack a file",
        ),
        ("nextdj.strict_loading", nextdj >= (0, 9, 0), "known from next.dj 0.9"),
    ):
        ledger.decide(key, value, f"{words}; here: {known}", "versions")
    ledger.decide(
        "nextdj.used",
        not ledger.project.of_kind("next.missing"),
        "the next app and next.urls were found, or not",
        "scan",
    )
    ledger.decide(
        "nextdj.configured",
        "NEXT_FRAMEWORK" in ledger.project.layout.settings.names,
        "the settings hold NEXT_FRAMEWORK, or leave it to next.dj",
        "NEXT_FRAMEWORK",
    )


_KEPT = "{} is kept; prod adds what it lacks"
_SHAPES = {
    "file": "{} is split into base, dev and prod",
    "split": "the settings are split into base, dev and prod already",
}


def _module(ledger: Ledger) -> None:
    """Decide where prod.py lies, what it imports, and what it leaves alone."""
    settings = ledger.project.layout.settings
    ours = settings.shape in {"file", "split"}
    module = settings.module
    if settings.shape == "file":
        package = module
    elif settings.shape == "split" or _is_package(settings):
        package = module.rpartition(".")[0] if _is_leaf(settings) else module
    else:
        package = ""
    base = f"{package}.base" if ours else settings.prod_module or module
    prod = f"{package}.prod" if package else f"{module}_prod"
    reason = _SHAPES.get(settings.shape, _KEPT).format(settings.path)
    if settings.shape == "configurations":
        ledger.refuse(
            str(settings.evidence),
            "makes the settings from classes, and prod.py builds on plain names",
            f"Write what the class for production says into a module beside "
            f"{settings.path}, name that one in manage.py and wsgi.py, and run again.",
        )
    depth = prod.count(".") + _depth(ledger)
    rows: dict[str, Value] = {
        "settings.split": settings.shape == "file",
        "settings.ours": ours,
        "settings.package": package,
        "settings.base": base,
        "settings.prod": prod,
        "settings.dev": f"{package}.dev" if ours else module,
        "settings.file": _file(settings, prod),
        "settings.folder": _file(settings, prod).rpartition("/")[0],
        "settings.base_parent": base.rpartition(".")[0],
        "settings.base_leaf": base.rpartition(".")[2],
        "settings.depth": depth,
    }
    ledger.table(rows, reason, str(settings.evidence), rules.SEED)


def _is_package(settings: Settings) -> bool:
    """Tell whether the settings module is, or lies in, a package of settings."""
    return settings.path.endswith("/__init__.py") or settings.shape == "package"


def _is_leaf(settings: Settings) -> bool:
    return not settings.path.endswith("/__init__.py")


def _depth(ledger: Ledger) -> int:
    """Return how many folders the import root lies below the project's root."""
    source = ledger.project.layout.source_root
    return source.count("/") + 1 if source else 0


def _file(settings: Settings, prod: str) -> str:
    """Return the path of prod.py, beside or below the user's settings."""
    leaf = prod.rpartition(".")[2]
    stem = settings.path.removesuffix("/__init__.py")
    if settings.shape == "file":
        return f"{stem.removesuffix('.py')}/{leaf}.py"
    folder = stem if settings.path.endswith("/__init__.py") else stem.rpartition("/")[0]
    return f"{folder}/{leaf}.py" if folder else f"{leaf}.py"


def _base_names(ledger: Ledger) -> None:
    """Decide which settings of the user's stand, and which they lack."""
    settings = ledger.project.layout.settings
    names = settings.names
    keep = () if ledger.flag("settings.ours") else tuple(sorted(_kept(settings)))
    ledger.decide(
        "settings.keep", keep, "the user's settings already say it", settings.path
    )
    mailers = ledger.flag("django.mailers") and not _MAIL_NAMES & names
    ledger.decide(
        "mail.mailers",
        mailers,
        "Django 6.1 refuses MAILERS beside EMAIL_* settings; one style is kept",
        "MAILERS" if mailers else settings.path,
        f"{rules.DJANGO}/topics/email/",
    )
    old = not ledger.flag("django.csp") and "DEFAULT_AUTO_FIELD" not in names
    ledger.decide(
        "settings.auto_field",
        old,
        "Django before 6.0 warns (models.W042) until the implied default is written",
        settings.path,
        f"{rules.DJANGO}/ref/settings/#default-auto-field",
    )
    kept = "LOGGING" in names and not ledger.project.of_kind("settings.logging_file")
    ledger.decide(
        "logging.ours",
        not kept,
        "the user's LOGGING writes no file" if kept else "stdout, which systemd keeps",
        settings.path,
        f"{rules.DJANGO}/topics/logging/",
    )
    middleware = settings.literals.get("MIDDLEWARE")
    present = middleware if isinstance(middleware, (list, tuple)) else None
    ledger.decide(
        "settings.middleware",
        ()
        if present is None
        else tuple(name for name in _NEEDED_MIDDLEWARE if name not in present),
        "check --deploy wants them (security.W002, W003)",
        settings.path,
        f"{rules.DJANGO}/ref/checks/#security",
    )


def _storages(ledger: Ledger) -> None:
    """Decide whether a static storage of the user's own stands."""
    settings = ledger.project.layout.settings
    storages = settings.literals.get("STORAGES")
    own = storages.get("staticfiles") if isinstance(storages, dict) else None
    backend = str(own.get("BACKEND", "")) if isinstance(own, dict) else ""
    ledger.decide(
        "static.own_storage",
        bool(backend) and not backend.startswith("django.contrib.staticfiles."),
        f"the settings name {backend}" if backend else "the settings name none",
        settings.path,
    )
    away = ledger.project.detected.get("static.away")
    rows: dict[str, Value] = {"static.away": bool(away), "static.backend": backend}
    why = away.reason if away else "collectstatic puts the files on the host"
    ledger.table(rows, why, str(away.evidence[0]) if away else settings.path)


_WANTED: dict[str, object] = {
    "CSRF_COOKIE_SECURE": True,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_SSL_REDIRECT": True,
    "SESSION_COOKIE_SECURE": True,
}


def _kept(settings: Settings) -> set[str]:
    """Return the settings that a production module of the user's says well enough."""
    literals = settings.literals
    kept = {name for name in settings.names if name not in literals}
    kept -= settings.written_secrets  # a key in the code is no secret
    kept |= {name for name in literals if literals[name] == _WANTED.get(name, ())}
    return kept - {"DEBUG", "STATIC_ROOT", "ALLOWED_HOSTS"}


__all__ = ["alone", "settings"]
