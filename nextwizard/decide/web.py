"""What visitors and probes meet: static files, security headers, health."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nextwizard import rules
from nextwizard.decide import first
from nextwizard.errors import shown
from nextwizard.values import MODULES


if TYPE_CHECKING:
    from nextwizard.decide import Ledger
    from nextwizard.values import Value


_CSP_KINDS = (
    "csp.inline_script",
    "csp.inline_style",
    "csp.style_attr",
    "csp.handler",
    "csp.javascript_url",
    "csp.eval",
    "csp.external",
    "csp.data",
    "csp.static_tag_in_use",
)
_GUARDS = {
    "auth.login_required": "LoginRequiredMiddleware sends a page to the login",
    "urls.i18n": "i18n_patterns redirects a page to a language",
    "next.missing": "next.dj serves no page here",
}
_PROBES = f"{rules.KUBERNETES}/configuration/liveness-readiness-startup-probes/"


def web(ledger: Ledger) -> None:
    """Decide static files, security, the content security policy and health."""
    _modules(ledger)
    _static(ledger)
    _security(ledger)
    _csp(ledger)
    _health(ledger)
    _rate(ledger)


def _modules(ledger: Ledger) -> None:
    """Decide how the modules beside wsgi.py are called: none takes a name of yours."""
    taken = {s.detail: s.evidence for s in ledger.project.of_kind("module.taken")}
    package = ledger.text("project.package")
    for name in MODULES:
        why, source, module = f"no module of yours is called {name}", "scan", name
        if name in taken:
            why, source = f"{taken[name]} is yours", str(taken[name])
            module = f"nextwizard_{name}"
        ledger.table(
            {f"module.{name}": f"{package}.{module}", f"module.{name}_file": module},
            why,
            source,
        )


_STORAGES = {
    "proxy": ("django.contrib.staticfiles.storage", "ManifestStaticFilesStorage"),
    "whitenoise": ("whitenoise.storage", "CompressedManifestStaticFilesStorage"),
    "servestatic": ("servestatic.storage", "CompressedManifestStaticFilesStorage"),
}


def _storage(ledger: Ledger) -> None:
    """Decide what hashes the names of static files."""
    module, name = _STORAGES[ledger.text("static.kind")]
    ours = f"{ledger['module.static_storage']}.UnmappedStaticFilesStorage"
    unmapped = ledger.flag("nextdj.unmapped") and ledger.flag("nextdj.used")
    rows: dict[str, Value] = {
        "static.storage_module": module,
        "static.storage_class": name,
        "static.unmapped": unmapped and not ledger.flag("static.own_storage"),
        "static.storage": ours if unmapped else f"{module}.{name}",
    }
    reason = "hashed names may be cached for ever"
    link = f"{rules.DJANGO}/ref/contrib/staticfiles/#manifeststaticfilesstorage"
    told = "next.dj before 0.10 names source maps that it does not ship"
    ledger.table(rows, told if unmapped else reason, "data.static", link)


def _url(ledger: Ledger, name: str, usual: str) -> tuple[str, str]:
    """Return the origin and the path of a URL of the settings, or refuse it.

    A CDN has an origin of its own, and asks the proxy for the same path; the path is
    without its outer slashes.
    """
    settings = ledger.project.layout.settings
    text = str(settings.literals.get(name) or usual)
    far = re.match(r"(?:https?:)?//([A-Za-z0-9.:-]+)(?=/|\Z)", text)
    text = (text[far.end() :] if far else text).strip("/") or usual
    if re.fullmatch(r"[A-Za-z0-9._~:/-]+", text) and "//" not in text:
        return f"https://{far[1]}" if far else "", text
    ledger.refuse(
        settings.path,
        f"{name} = {shown(text)} is no path that a proxy can be told",
        "Use letters, digits, - and _ between slashes.",
    )
    return "", usual


def _static(ledger: Ledger) -> None:
    literals = ledger.project.layout.settings.literals
    origin, url = _url(ledger, "STATIC_URL", "static")
    prefix = ledger.text("hosting.path_prefix")
    ledger.follow("static.kind", "data.static")
    here = ledger["data.static"] == "proxy" and not ledger.flag("static.away")
    ledger.decide("static.here", here, "what the proxy sends is on it", "data.static")
    _storage(ledger)
    if ledger["data.static"] == "proxy" and ledger["hosting.proxy"] == "none":
        ledger.refuse(
            "data.static, hosting.proxy",
            'static = "proxy" needs a proxy, and there is none',
            'Answer data.static with "whitenoise".',
        )
    why = "STATIC_URL of the settings" if "STATIC_URL" in literals else "Django's own"
    why = f"what {origin} asks for here" if origin else why
    path = f"/{url}/" if origin else f"{prefix}/{url}/"
    ledger.decide("static.url", path, why, "STATIC_URL")
    ledger.decide("static.relative", f"{url}/", "follows the prefix", "STATIC_URL")
    ledger.decide(
        "static.set_url",
        not origin
        and (bool(prefix) or "STATIC_URL" not in ledger.project.layout.settings.names),
        "STATIC_URL is missing or absolute below a prefix",
        "STATIC_URL",
    )
    alias = f"{ledger['paths.static']}/"
    ledger.decide("static.alias", alias, "nginx pairs the slashes", "paths.static")
    media = ledger.project.of_kind("media.used")
    far, media_url = _url(ledger, "MEDIA_URL", "media")
    origins = tuple(dict.fromkeys(filter(None, (origin, far if media else ""))))
    ledger.decide("csp.origins", origins, "where files come from", "STATIC_URL")
    where = str(media[0].evidence) if media else "no MEDIA_ROOT and no FileField"
    ledger.decide("media.on", bool(media), where, where)
    root = f"{ledger['paths.state']}/media"
    media_prefix = "" if far else prefix
    ledger.decide("media.url", f"{media_prefix}/{media_url}/", where, where)
    ledger.decide("media.root", root, "writable under the unit", "paths.state")
    ledger.decide("media.alias", f"{root}/", "nginx pairs the slashes", "paths.state")
    why = "a script in an uploaded HTML or SVG file would act as the site's own"
    link = f"{rules.DJANGO}/topics/security/#user-uploaded-content"
    ledger.decide("media.policy", rules.UPLOADED, why, "rules", link)


def _rate(ledger: Ledger) -> None:
    """Decide how often one address may ask; a burst of two seconds' worth passes."""
    rate = ledger.number("hosting.rate_limit")
    ledger.follow("edge.rate", "hosting.rate_limit")
    link = f"{rules.NGINX}/http/ngx_http_limit_req_module.html"
    why = "a page asks for several things at once; two seconds' worth may come together"
    ledger.decide("edge.burst", 2 * rate, why, "hosting.rate_limit", link)


def _security(ledger: Ledger) -> None:
    """Decide HSTS, cookies and the names Django answers to."""
    ledger.follow("security.preload", "hosting.hsts_preload")
    ledger.decide(
        "security.hsts",
        rules.HSTS_S,
        "a year, subdomains included (security.W004, W005)",
        "rules",
        f"{rules.DJANGO}/ref/middleware/#http-strict-transport-security",
    )
    origins = tuple(f"https://{name}" for name in ledger.items("hosting.domains"))
    ledger.decide(
        "security.origins", origins, "the domains over https", "hosting.domains"
    )
    url = origins[0] if origins else ""
    ledger.decide("site.url", url, "the canonical domain", "hosting.domains")
    ledger.follow("site.indexable", "site.indexable")
    forced = ledger["server.interface"] == "asgi" or ledger.flag("edge.strip")
    prefix = ledger.text("hosting.path_prefix")
    ledger.decide(
        "django.script_name",
        prefix if forced else "",
        "ASGI servers get the prefix from FORCE_SCRIPT_NAME, WSGI from SCRIPT_NAME",
        "hosting.path_prefix",
        f"{rules.DJANGO}/ref/settings/#force-script-name",
    )
    ledger.decide(
        "security.cookie_path", f"{prefix}/", "two projects, one host", "rules"
    )


def _csp(ledger: Ledger) -> None:
    """Decide whether the content security policy is enforced, reported or absent."""
    asked = ledger.text("security.csp")
    found = ledger.project.of_kind(*_CSP_KINDS)
    known = ledger.flag("django.csp")
    link = f"{rules.DJANGO}/howto/csp/"
    if not known:
        mode, why = "off", "this Django has no SECURE_CSP (it came with 6.0)"
        if asked not in {"auto", "off"}:
            ledger.refuse(
                "security.csp",
                f"{ledger.said('security.csp')} needs Django 6.0",
                'Answer "off", or use django-csp in your own settings.',
            )
    elif asked != "auto":
        mode, why = asked, ledger.origin("security.csp")
    elif found:
        mode = "report"
        more = f"{found[0].kind}, {len(found)} in all"
        why = f"{found[0].evidence} would be blocked ({more})"
    else:
        mode, why = "enforce", "no template holds what a policy would block"
    source = first(signal.evidence for signal in found) or "security.csp"
    ledger.decide("csp.mode", mode, why, source, link)
    own = "SECURE_CSP" in ledger.items("settings.keep")
    ours = mode != "off" and not own
    ledger.decide("csp.ours", ours, "the settings hold a policy, or not", "SECURE_CSP")
    if found and mode in {"report", "enforce", "strict"}:
        for signal in found[:5]:
            ledger.warn(
                signal.kind,
                f"{signal.evidence}: {signal.detail or signal.kind} breaks under a CSP",
                (signal.evidence,),
                'Move it into a file, or give it nonce="{{ csp_nonce }}".',
                link,
            )


def _health(ledger: Ledger) -> None:
    """Decide where liveness and readiness are served so that they answer."""
    path = ledger.text("health.path")
    prefix = ledger.text("hosting.path_prefix")
    layout = ledger.project.layout
    present = ledger.project.of_kind("health.present")
    guards = ledger.project.of_kind(*_GUARDS)
    pages = ledger.text("project.pages")
    _known_pages(ledger, pages)
    if present:
        via, why = "present", f"{present[0].evidence} answers it already"
    elif layout.mount:
        via, why = "urls", f"next.urls is mounted at {layout.mount}"
    elif guards:
        via, why = "urls", f"{guards[0].evidence}: {_GUARDS[guards[0].kind]}"
    elif not layout.page_roots and not ledger.answers.touched("project.pages"):
        via, why = "urls", "no page tree was found"
    else:
        via, why = "page", f"a page in {pages}, pure and without a layout"
    segments = path.strip("/")
    rows: dict[str, Value] = {
        "health.via": via,
        "health.path": f"{prefix}{path}",
        "health.route": f"{segments}/",
        "health.inner": f"/{segments}/",
        "health.page": f"{pages}/{segments}/page.py",
        "health.ready": ledger.flag("health.readiness"),
        "health.ready_path": f"{prefix}/readyz/",
        "health.ready_page": f"{pages}/readyz/page.py",
        "health.exempt": _exempt(ledger, segments),
        "health.login_exempt": bool(ledger.project.of_kind("auth.login_required")),
    }
    places = (signal.evidence for signal in (*present, *guards))
    where = first(places) or "health.path"
    ledger.table(rows, why, where, rules.SEED)
    _direct(ledger, where, ours=via != "present")


def _direct(ledger: Ledger, where: str, *, ours: bool) -> None:
    """Decide that our own liveness is asked before every other middleware."""
    why = "a middleware that misses its database or a login fails no probe"
    if not ours:
        why = "your own liveness may need what the middleware brings"
    rows: dict[str, Value] = {
        "health.direct": ours,
        "health.middleware": f"{ledger['module.liveness']}.liveness",
    }
    ledger.table(rows, why, where, _PROBES)


def _known_pages(ledger: Ledger, pages: str) -> None:
    """Warn of a page tree that nothing serves: the health page would answer 404."""
    roots = [root.path for root in ledger.project.layout.page_roots]
    asked = ledger.answers.touched("project.pages") and roots and pages not in roots
    if asked and not ledger.project.of_kind("router.custom"):
        ledger.warn(
            "project.pages",
            "project.pages names no page tree that next.dj serves here",
            fix=f"Name one of {', '.join(roots)}.",
        )


def _exempt(ledger: Ledger, segments: str) -> tuple[str, ...]:
    """Return SECURE_REDIRECT_EXEMPT, which matches without the first slash."""
    prefix = ledger.text("hosting.path_prefix").strip("/")
    names = [segments, *(["readyz"] if ledger.flag("health.readiness") else [])]
    lead = f"{prefix}/" if prefix else ""
    return tuple(f"^{lead}{name}/?$" for name in names)


__all__ = ["web"]
