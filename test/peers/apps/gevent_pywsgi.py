"""gevent.pywsgi as its own documentation starts it; with a number of seconds, under the cure of 2017."""
import sys

from gevent import Timeout, monkey

monkey.patch_all()

from gevent.pywsgi import WSGIHandler, WSGIServer  # noqa: E402

from wsgi import application  # noqa: E402

port = int(sys.argv[1])


class TimedHandler(WSGIHandler):
    """handle() is the loop over the requests of one connection: the clock runs over all of them."""

    def handle(self):
        with Timeout(float(sys.argv[2]), False):
            super().handle()


handler = TimedHandler if len(sys.argv) > 2 else WSGIHandler
WSGIServer(("127.0.0.1", port), application, log=None, handler_class=handler).serve_forever()
