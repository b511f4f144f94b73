/** Whose connections are meant. */
import { networks } from '../net/networks.ts'

interface Connected {
  readonly id: number
  /** Address and port, or `unix`. */
  readonly peer: string
}

export type IsMeant = (connection: Connected) => boolean

/** Null: the text names nobody. */
export function peerOf(text: string): IsMeant | null {
  const [, number] = /^#?(\d{1,15})$/.exec(text) ?? []
  if (number !== undefined) return ({ id }) => id === Number(number)
  if (text === 'unix') return ({ peer }) => peer === text
  if (/^(\[[\da-f:.]+\]|[\d.]+):\d{1,5}$/i.test(text)) return ({ peer }) => peer === text.toLowerCase()
  try {
    const isIn = networks([text.replace(/^\[|\]$/g, '')])
    return ({ peer }) => peer !== 'unix' && isIn(addressIn(peer))
  } catch {
    return null
  }
}

/** `[::1]:50312` is `::1`. */
const addressIn = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
