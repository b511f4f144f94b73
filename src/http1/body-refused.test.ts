import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyRefusedError } from './body-refused.ts'

test('a refused body says which limit ended it, and brings the answer that its client gets', () => {
  const slow = new BodyRefusedError('bodyRate')
  assert.deepEqual([slow.code, slow.reason, slow.status], ['BODY_REFUSED', 'bodyRate', 408])
  assert.equal(slow.getResponse().headers.get('connection'), 'close')
  const broken = new BodyRefusedError('malformed', { status: 413, why: 'chunk extensions are too long' })
  assert.deepEqual([broken.status, broken.getResponse().status], [413, 413])
  assert.match(broken.message, /chunk extensions are too long$/)
  assert.equal(new BodyRefusedError('malformed').status, 400)
})

test('over HTTP/2 the answer says nothing of the connection', () => {
  assert.equal(new BodyRefusedError('bodyTooLarge', { closes: false }).getResponse().headers.get('connection'), null)
})
