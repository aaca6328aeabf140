/**
 * The ancestor's defects whose tests stand beside what they are about.
 *
 * With issue 6 (what is stored survives) come the tests of: C4, nothing ever calls the persistence plugin, and pickle
 * is unsafe to load; C9, PUBACK is sent once the message is in a memory queue; C9, shutdown throws undelivered messages
 * away.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'

/** Defect → file below `test/`, and words of the test's name. */
const ELSEWHERE: readonly (readonly [defect: string, file: string, words: string])[] = [
  [
    'C1: tcp-keepalive uses constants of Linux, so that connections fail elsewhere',
    'unit/listeners/listener.test.ts',
    'tcp-keepalive',
  ],
  ['C1: capath and cadata are mixed up', 'unit/listeners/tls.test.ts', 'cadata'],
  ['C1: client certificates never become an identity', 'unit/listeners/tls.test.ts', 'certificateUserName'],
  [
    'C6: a blank line of the password file raises',
    'unit/plugins/auth-file.test.ts',
    'a blank line stopped the ancestor',
  ],
  ['C6: the password file is read once', 'unit/plugins/auth-file.test.ts', 'changes'],
  ['C6: verification runs on the event loop', 'unit/plugins/auth-file.test.ts', 'thread'],
  ['C9: a linear scan over all filters for each message', 'unit/topics/topic-trie.test.ts', 'match'],
  ['C9: a linear scan over all retained topics for each subscription', 'unit/topics/topic-map.test.ts', 'match'],
  ['C9: WebSocket without path or origin check, and a text frame raises', 'unit/listeners/websocket.test.ts', 'origin'],
  ['C9: a failed TLS handshake ends the broker', 'unit/listeners/tls.test.ts', 'handshake'],
  ['C9: no resend: a resumed Session', 'unit/protocol/session.test.ts', 'a resumed Session'],
]

for (const [defect, file, words] of ELSEWHERE) {
  test(`${defect}: see ${file}`, () => {
    assert.ok(readFileSync(join(root, 'test', file), 'utf8').includes(words), `${file} does not have ${words} any more`)
  })
}
