"""How gunicorn serves this project; boot.py decides the numbers at each start.

Made by nextwizard; an edit here survives `nextwizard regenerate`.
"""

import sys
from functools import partial
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent))

from boot import plan  # noqa: E402


size = plan()

wsgi_app = "config.asgi:application"
worker_class = "asgi"
workers = size.workers

timeout = 30
graceful_timeout = 25
# This worker waits at a stop for idle connections too, so they must not last long.
keepalive = 5

# Only the proxy reaches the socket, and it overwrites what a visitor sends.
forwarded_allow_ips = "*"
forwarder_headers = ""

# As long as nginx takes it; the default of 4094 cuts what the proxy let through.
limit_request_line = 8190

# The sandbox has no home directory for a control socket.
control_socket_disable = True


def post_worker_init(worker):
    """Keep as long a queue of waiting connections as gunicorn's other workers do.

    This one listens again by asyncio, which cuts the queue of the shared socket to 100;
    while a restart lasts, the proxy would be refused and answer 502.
    """
    listen = worker.loop.create_server
    worker.loop.create_server = partial(listen, backlog=worker.cfg.backlog)
