/** For tests: a socket in memory, whose kernel takes everything, or nothing until told. */
import type { Transport } from './transport.ts'

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

export class FakeTransport implements Transport {
  readonly peer = { address: '127.0.0.1', port: 1, family: 'IPv4' } as const
  written = ''
  unsent = 0
  blocked = false
  readonly acts: string[] = []
  /** Told when the socket is no more, as a runtime tells it: a turn later, or at once. */
  onClosed: () => void = () => {}

  write(head: string, body: string | Uint8Array | null): boolean {
    const text = head + (body === null ? '' : typeof body === 'string' ? body : String.fromCharCode(...body))
    this.written += text
    if (!this.blocked) return true
    this.unsent += text.length
    return false
  }
  pause(): void {
    this.acts.push('pause')
  }
  resume(): void {
    this.acts.push('resume')
  }
  end(): void {
    this.acts.push('end')
  }
  destroy(): void {
    this.acts.push('destroy')
    this.onClosed()
  }
  reset(): void {
    this.acts.push('reset')
    this.onClosed()
  }
  /** Statuses of what was written, in order. */
  get statuses(): string[] {
    return [...this.written.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status!)
  }
}
