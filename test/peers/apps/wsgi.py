"""The pages of a peer that speaks WSGI."""
import time
from urllib.parse import parse_qs

CHUNK = b"x" * 65536


def application(environ, start_response):
    query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    seconds = int(query.get("ms", 0)) / 1000
    page = environ["PATH_INFO"]
    if page == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return stream(seconds)
    if page == "/large":
        size = int(query["bytes"])
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
        return large(size)
    if page == "/upload":
        size = 0
        while part := environ["wsgi.input"].read(65536):
            size += len(part)
        time.sleep(seconds)
        return whole(start_response, f"{size}\n")
    if page == "/slow":
        time.sleep(seconds)
        return whole(start_response, "slow\n")
    if page == "/":
        # The servers leave it to the application to send no body (PEP 3333).
        return whole(start_response, "hello\n")[: environ["REQUEST_METHOD"] != "HEAD"]
    return whole(start_response, "no such page\n", "404 Not Found")


def whole(start_response, text, status="200 OK"):
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def stream(seconds):
    yield b"first\n"
    time.sleep(seconds)
    yield b"last\n"


def large(size):
    while size > 0:
        yield CHUNK[:size]
        size -= len(CHUNK)
