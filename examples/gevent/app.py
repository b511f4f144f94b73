"""gevent.pywsgi, which never closes an idle connection: the gateway before it does."""
from gevent import monkey

monkey.patch_all()

import os

from gevent.pywsgi import WSGIServer


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]


WSGIServer(("127.0.0.1", int(os.environ.get("PORT", 8000))), app).serve_forever()
