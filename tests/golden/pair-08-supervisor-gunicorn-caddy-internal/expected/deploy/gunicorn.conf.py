"""How gunicorn serves this project; boot.py decides the numbers at each start.

Made by nextwizard; an edit here survives `nextwizard regenerate`.
"""

import sys
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

# The sandbox has no home directory for a control socket.
control_socket_disable = True
