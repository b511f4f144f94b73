/**
 * `connect`: a new connection: TCP alone, HTTP/2, from a host that can vanish, or once more as the
 * server speaks. Without it a case starts on a connection as the server speaks.
 */
import { isIP } from 'node:net'
import process from 'node:process'
import * as v from 'valibot'
import type { Target } from '../client/target.ts'
import { VanishingHost } from '../client/vanish.ts'
import { CaseError } from '../judge/verdict.ts'
import type { Play } from '../play.ts'
import { atOnce, word } from '../word.ts'

const hosts = new WeakMap<Play, VanishingHost>()

/** The host that the play's connections come from, if it is one that can vanish. */
export const hostOf = (play: Play): VanishingHost | undefined => hosts.get(play)

export default word({
  schema: v.strictObject({ connect: v.picklist(['tcp', 'h2', 'vanishing', 'again']) }),
  durationMs: atOnce,
  async run({ connect: how }, play) {
    if (how === 'vanishing') {
      const host = await appear(play.target)
      hosts.set(play, host)
      play.atEnd(() => void host.forget())
    }
    const host = hostOf(play)
    const connection = await play.connect({
      bare: how === 'tcp',
      ...(how === 'h2' && { alpn: ['h2', 'http/1.1'] }),
      ...(host && { localAddress: host.address }),
    })
    if (how === 'h2' && connection.alpn !== 'h2') {
      throw new CaseError('not-judged', 'the server does not speak HTTP/2')
    }
  },
})

async function appear({ ip, host }: Target): Promise<VanishingHost> {
  if (isIP(ip ?? host) !== 4) throw new CaseError('not-judged', 'only over IPv4')
  return VanishingHost.appear(process.pid).catch((error: Error) => {
    throw new CaseError('not-judged', `no host can be made to vanish: ${error.message.trim()}`)
  })
}
