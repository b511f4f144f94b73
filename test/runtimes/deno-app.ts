/** Answers of each kind that `Deno.serve` treats in its own way. */
const constant = new Response(null, { status: 204 })

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get('ms') ?? 0)))
    switch (pathname) {
      case '/text':
        return new Response('text')
      case '/bytes':
        return new Response(new Uint8Array(4))
      case '/json':
        return Response.json({})
      case '/fields':
        return new Response('text', { headers: { 'x-a': 'a', 'x-b': 'b' } })
      case '/looked-at': {
        const response = new Response('text')
        response.headers.set('x-a', 'a')
        return response
      }
      case '/immutable':
        return Response.redirect('http://a/', 302)
      case '/constant':
        return constant
      case '/echo':
        return new Response(request.body)
      case '/stream':
        return new Response(new Blob(['text']).stream())
      default:
        return new Response('last', { headers: { Connection: 'close' } })
    }
  },
}
