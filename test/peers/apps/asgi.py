"""The pages of a peer that speaks ASGI."""
import asyncio
from urllib.parse import parse_qs

CHUNK = b"x" * 65536


async def application(scope, receive, send):
    if scope["type"] != "http":
        # There is nothing to prepare before the first request.
        raise NotImplementedError(scope["type"])
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    seconds = int(query.get("ms", 0)) / 1000
    page = scope["path"]
    size = 0
    while True:
        # The body first, on every page: hypercorn 0.13 closes a connection whose answer is quicker than it has read the request.
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size += len(event.get("body", b""))
        if not event.get("more_body"):
            break
    if page == "/stream":
        await start(send, 200)
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        await asyncio.sleep(seconds)
        await send({"type": "http.response.body", "body": b"last\n"})
    elif page == "/large":
        size = int(query["bytes"])
        await start(send, 200, size)
        while size > 0:
            part = CHUNK[:size]
            size -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": size > 0})
    elif page == "/upload":
        await asyncio.sleep(seconds)
        await whole(send, 200, f"{size}\n")
    elif page == "/slow":
        await asyncio.sleep(seconds)
        await whole(send, 200, "slow\n")
    elif page == "/":
        await whole(send, 200, "hello\n")
    else:
        await whole(send, 404, "no such page\n")


async def start(send, status, size=None):
    headers = [(b"content-type", b"text/plain")]
    if size is not None:
        headers.append((b"content-length", str(size).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def whole(send, status, text):
    body = text.encode()
    await start(send, status, len(body))
    await send({"type": "http.response.body", "body": body})
