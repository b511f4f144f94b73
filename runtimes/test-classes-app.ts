/**
 * An application that takes its classes from the globals when its module is loaded, before any
 * server is there.
 */
class Mine extends Request {}
const AsLoaded = Request

export default {
  async fetch(request: Request): Promise<Response> {
    const copies = [Mine, AsLoaded].map((Copy) => new Copy(request.clone(), { headers: { 'x-b': '2' } }))
    const seen = copies.map(async (copy) => [copy.method, copy.headers.get('x-b'), await copy.text()].join(' '))
    return new Response((await Promise.all(seen)).join())
  },
}
