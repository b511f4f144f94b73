import { H3 } from 'h3'
import { serve } from 'hangup'

const app = new H3().get('/', () => 'hello\n')

const server = await serve(app, { port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${server.url}`)
