import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createApp } from './built-in-app.ts'

describe('the built-in app', () => {
  const app = createApp()

  test('says which host it was asked for', async () => {
    const answer = await app.request('http://target.example:81/authority')
    assert.equal(await answer.text(), 'target.example:81\n')
  })

  test('has answers without a body', async () => {
    for (const [path, status] of [
      ['/empty', 204],
      ['/reset', 205],
    ] as const) {
      const answer = await app.request(path)
      assert.deepEqual([answer.status, answer.body], [status, null])
    }
  })

  test('has an answer that breaks after its beginning', async () => {
    const { body } = await app.request('/broken')
    const reader = body!.getReader()
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'first\n')
    await assert.rejects(reader.read(), /as asked/)
  })

  test('answers early without touching the body', async () => {
    const body = new ReadableStream(
      {
        pull() {
          assert.fail('the body was read')
        },
      },
      { highWaterMark: 0 },
    )
    const answer = await app.request('/early', { method: 'POST', body, duplex: 'half' } as RequestInit)
    assert.equal(answer.status, 413)
  })
})
