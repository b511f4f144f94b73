"""For gunicorn's default worker, which serves one connection at a time: the gateway before it is the only one."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]
