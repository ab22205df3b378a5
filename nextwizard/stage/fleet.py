"""Several application hosts on loopback, each the way its own files say."""

from __future__ import annotations

import http.client
import os
import socket
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .service import Stopped, wait


if TYPE_CHECKING:
    from collections.abc import Callable

    from .place import Stage
    from .service import Service


def stages(stage: Stage) -> tuple[Stage, ...]:
    """Return a stage for each host: processes of its own, static files and data shared.

    Real hosts share the database; on a stage that is the scratch one, so the state
    directory is one too.
    """
    plans = stage.plan.each() * (1 if stage.plan.variants else len(stage.hosts))
    found = []
    for number, (plan, port) in enumerate(zip(plans, stage.hosts, strict=True)):
        scratch = os.path.join(stage.scratch, "hosts", str(number))
        os.makedirs(scratch, exist_ok=True)
        for name in ("static", "state", "env"):
            place = os.path.join(scratch, name)
            if not os.path.lexists(place):
                os.symlink(stage.place(name), place)
        found.append(replace(stage, plan=plan, scratch=scratch, app=port))
    return tuple(found)


def _answers(own: Stage) -> bool:
    """Tell whether a host answers by itself; what speaks uwsgi, whether it listens."""
    try:
        if own.text("server.protocol") == "uwsgi":
            socket.create_connection(("127.0.0.1", own.app), timeout=2).close()
            return True
        with closing(http.client.HTTPConnection("127.0.0.1", own.app, 5)) as asked:
            asked.request("GET", own.text("health.path"))
            return asked.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False


class Fleet:
    """The services of several hosts; what is asked of all is done host by host."""

    def __init__(self, stage: Stage, service: Callable[[Stage], Service]) -> None:
        """Read every host's files; nothing is started."""
        self.stages = stages(stage)
        self.members = tuple(service(own) for own in self.stages)
        self.settle = stage.number("proxy.settle")
        self.log = self.members[0].log
        self.ended = Stopped()

    @property
    def running(self) -> bool:
        """Whether any host still answers."""
        return any(member.running for member in self.members)

    @property
    def workers(self) -> frozenset[int]:
        """The processes of every host besides the main ones."""
        return frozenset[int]().union(*(member.workers for member in self.members))

    def start(self) -> None:
        """Start every host; ToolError when one fails."""
        for member in self.members:
            member.start()

    def restart(self) -> None:
        """Restart host after host, as the runbook's rolling release does.

        Before each the proxy gets the time to find the others again: it may have left
        one out a moment ago, and both together leave nobody. After each the host has
        to answer by itself, as the runbook's curl waits for.
        """
        for own, member in zip(self.stages, self.members, strict=True):
            time.sleep(self.settle)
            member.leave()
            member.start()
            wait(partial(_answers, own), member, f"127.0.0.1:{own.app}")

    def leave(self) -> None:
        """Stop every host, and let nobody wait for one."""
        for member in self.members:
            member.leave()

    def reload(self) -> bool:
        """Reload host after host; False when this server has no reload."""
        done = [member.reload() for member in self.members]
        return all(done)

    def stop(self, limit: float = 0.0) -> float:
        """Stop every host; returns the seconds of the slowest."""
        took = max(member.stop(limit) for member in self.members)
        left = tuple(pid for member in self.members for pid in member.ended.left)
        killed = any(member.ended.killed for member in self.members)
        status = max(member.ended.status for member in self.members)
        self.ended = Stopped(killed=killed, left=left, status=status)
        return took

    def close(self) -> None:
        """End everything at once."""
        for member in self.members:
            member.close()


__all__ = ["Fleet", "stages"]
