/** One POST to /count. */
import { type Agent, request } from 'node:http'

/** Rejects where the response is not a whole 200. */
export function askAt(host: string, port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path: '/count', method: 'POST', agent }, (response) => {
      response.resume()
      response.once('error', reject)
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`)),
      )
    })
    asked.once('error', reject)
    asked.end('x')
  })
}
