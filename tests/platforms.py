"""What Fly and Heroku take: nothing checks their files offline, so this does."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from nextwizard import stage


FLY: dict[str, object] = {
    "app": str,
    "kill_signal": str,
    "kill_timeout": int,
    "build": {"dockerfile": str, "ignorefile": str, "build-target": str},
    "deploy": {"release_command": str, "strategy": str},
    "env": {"*": str},
    "http_service": {
        "internal_port": int,
        "force_https": bool,
        "auto_stop_machines": str,
        "auto_start_machines": bool,
        "min_machines_running": int,
        "concurrency": {"type": str, "soft_limit": int, "hard_limit": int},
        "checks": [
            {
                "method": str,
                "path": str,
                "grace_period": str,
                "interval": str,
                "timeout": str,
                "headers": {"*": str},
            }
        ],
    },
    "mounts": [{"source": str, "destination": str}],
    "vm": [{"memory": str, "cpu_kind": str, "cpus": int}],
}
"""The keys of fly.toml that we write, from https://fly.io/docs/reference/configuration/."""

APP_JSON: dict[str, object] = {
    "name": str,
    "buildpacks": [{"url": str}],
    "addons": [str],
    "formation": {"*": {"quantity": int}},
    "env": {
        "*": {"value": str, "generator": str, "required": bool, "description": str}
    },
}
"""The keys of app.json, from https://devcenter.heroku.com/articles/app-json-schema."""


def fits(value: object, shape: object, at: str = "") -> None:
    """Hold a document against a shape: no key may be new, no type another one."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), at
        for key, below in value.items():
            assert key in shape or "*" in shape, f"{at}.{key} is no key"
            fits(below, shape.get(key, shape.get("*")), f"{at}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), at
        for one in value:
            fits(one, shape[0], f"{at}[]")
    else:
        assert type(value) is shape, f"{at} is {value!r}"


def judge_fly(on: stage.Stage) -> None:
    """The keys are Fly's, and what they say fits the image and the settings."""
    judge_fly_text(on.read("fly.toml"), on.read("deploy/Dockerfile"), on)


def judge_fly_text(text: str, image: str, on: stage.Stage) -> None:
    said = tomllib.loads(text)
    fits(said, FLY, "fly.toml")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", said["app"])
    service = said["http_service"]
    port = service["internal_port"]
    assert f"EXPOSE {port}\n" in image
    assert str(port) in image.splitlines()[-1]
    for check in service["checks"]:
        assert check["headers"]["Host"] in on.items("edge.domains")
        assert check["path"] == on.text("health.path")
    limits = service["concurrency"]
    assert 0 < limits["soft_limit"] < limits["hard_limit"]
    graceful = int(on.text("timing.graceful"))
    assert said["kill_timeout"] > graceful
    assert said["deploy"]["release_command"].endswith("migrate --noinput")
    for machine in said["vm"]:
        memory = int(machine["memory"].removesuffix("mb"))
        assert memory % 256 == 0
        assert memory >= int(on.text("sizing.planned_mb"))
        assert machine["cpus"] in {1, 2, 4, 8}


def judge_app_json(on: stage.Stage) -> None:
    """The keys are Heroku's, and no secret has a value."""
    said = json.loads(on.read("app.json"))
    fits(said, APP_JSON, "app.json")
    env = said["env"]
    assert env["SECRET_KEY"] == {"generator": "secret"}
    assert env["DJANGO_SETTINGS_MODULE"] == {"value": on.text("settings.prod")}
