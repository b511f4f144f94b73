"""The pages on tornado; further arguments, name=seconds, are HTTPServer's own options."""
import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler, stream_request_body

CHUNK = b"x" * 65536


class Page(RequestHandler):
    def seconds(self):
        return int(self.get_query_argument("ms", "0")) / 1000


class Hello(Page):
    def get(self):
        self.write("hello\n")

    head = get


class Slow(Page):
    async def get(self):
        await asyncio.sleep(self.seconds())
        self.write("slow\n")


class Stream(Page):
    async def get(self):
        self.write("first\n")
        await self.flush()
        await asyncio.sleep(self.seconds())
        self.write("last\n")


class Large(Page):
    async def get(self):
        size = int(self.get_query_argument("bytes"))
        self.set_header("Content-Length", size)
        try:
            while size > 0:
                self.write(CHUNK[:size])
                await self.flush()
                size -= len(CHUNK)
        except StreamClosedError:
            pass


@stream_request_body
class Upload(Page):
    size = 0

    def data_received(self, chunk):
        self.size += len(chunk)

    async def post(self):
        await asyncio.sleep(self.seconds())
        self.write(f"{self.size}\n")


async def main():
    pages = [(r"/", Hello), (r"/slow", Slow), (r"/stream", Stream), (r"/large", Large), (r"/upload", Upload)]
    options = {name: float(value) for name, value in (argument.split("=") for argument in sys.argv[2:])}
    HTTPServer(Application(pages), **options).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
