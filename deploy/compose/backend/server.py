"""A gevent server. pywsgi closes no idle connection by itself: the gateway does it for it."""
import signal
import sys

import gevent
from gevent.pywsgi import WSGIServer


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok\n" if environ["PATH_INFO"] == "/healthz" else b"hello from gevent\n"]


port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
server = WSGIServer(("0.0.0.0", port), app, log=None)
# As process 1 of a container it has no handler for SIGTERM but this one.
gevent.signal_handler(signal.SIGTERM, server.stop)
server.serve_forever()
