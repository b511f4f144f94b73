/** An application that is made one file, by a bundler or as a binary. */
import { serve } from 'hangup'

const server = await serve(() => new Response('bundled'), { port: 0, host: '127.0.0.1' })
console.log(await (await fetch(server.url)).text())
await server.close()
