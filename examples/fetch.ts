import { serve } from 'hangup'

const server = await serve(() => new Response('hello\n'), { port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${server.url}`)
