"""How gunicorn serves this project; boot.py decides the numbers at each start.

Made by nextwizard; an edit here survives `nextwizard regenerate`.
"""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent))

from boot import plan  # noqa: E402


size = plan()

wsgi_app = "config.wsgi:application"
worker_class = "gthread"
workers = size.workers
threads = size.threads

timeout = 30
graceful_timeout = 25
# Longer than the proxy keeps its connection, so that the proxy closes first.
keepalive = 75

# Only the proxy reaches the socket, and it overwrites what a visitor sends.
forwarded_allow_ips = "*"
forwarder_headers = ""

# As long as nginx takes it; the default of 4094 cuts what the proxy let through.
limit_request_line = 8190

# The sandbox has no home directory for a control socket.
control_socket_disable = True
