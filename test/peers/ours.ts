/** hangup itself, by its defaults: what the others are to be compared with. */
import { type Peer, pages } from './peer.ts'

export const hangup: Peer = {
  name: 'hangup',
  title: 'hangup on Node',
  language: 'Node',
  debian: [],
  pages: { ...pages, large: '/large?bytes={bytes}b' },
  version: ['{bin}/node', '-p', 'require("./package.json").version'],
  variants: [
    {
      name: 'stock',
      what: 'No limit set.',
      argv: ['{bin}/node', 'src/cli.ts', 'serve', '--host', '127.0.0.1', '--port', '{port}', '--report', 'none'],
    },
  ],
}
