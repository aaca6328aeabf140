import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costProblem, scramCostProblem } from '../../../src/access/credential-costs.ts'
import { finish } from '../../../src/base/slices.ts'
import { readAccessFile } from '../../../src/admin/access/access-file.ts'
import { parsePasswordFile } from '../../../src/plugins/password-file.ts'
import { verifyPassword } from '../../../src/plugins/password-hash.ts'
import { parseScramFile } from '../../../src/plugins/scram-credentials.ts'

const KEY = `${'a'.repeat(86)}==`
const SCRAM_END = `:abcd$${'a'.repeat(43)}=:${'a'.repeat(43)}=`

/** A hash of each kind with its most expensive cost, and the first that is too expensive. */
const limits: readonly (readonly [make: (cost: number) => string, most: number, problem: RegExp])[] = [
  [(n) => `$6$rounds=${n}$abc$${'a'.repeat(86)}`, 1_000_000, /^asks for 1000001 rounds, and at most 1000000 are/],
  [(n) => `$5$rounds=${n}$abc$${'a'.repeat(43)}`, 1_000_000, /^asks for 1000001 rounds/],
  [(n) => `$7$${n}$abcd$${KEY}`, 2_000_000, /^asks for 2000001 iterations of PBKDF2/],
  [(n) => `$2b$${n}$${'a'.repeat(53)}`, 14, /^asks for 15 as the cost of bcrypt/],
  [(n) => `$argon2id$v=19$m=${n},t=1,p=1$abcd$abcd`, 262_144, /^asks for 262145 KiB of memory for Argon2id/],
  [(n) => `$argon2id$v=19$m=64,t=${n},p=1$abcd$abcd`, 10, /^asks for 11 passes of Argon2id/],
  [(n) => `$argon2id$v=19$m=512,t=1,p=${n}$abcd$abcd`, 16, /^asks for 17 lanes of Argon2id/],
]

test('a hash of each kind may cost so much and no more; one without a cost of its own may be', () => {
  for (const [make, most, problem] of limits) {
    assert.equal(costProblem(make(most)), undefined, make(most))
    assert.match(costProblem(make(most + 1))!, problem)
  }
  assert.equal(costProblem(`$6$abc$${'a'.repeat(86)}`), undefined)
  assert.equal(costProblem(`$6$abc+$${KEY}`), undefined)
  assert.equal(scramCostProblem(`SCRAM-SHA-256$1000000${SCRAM_END}`), undefined)
  assert.match(scramCostProblem(`SCRAM-SHA-256$1000001${SCRAM_END}`)!, /^asks for 1000001 iterations of SCRAM/)
})

test('a password file with hashes that cost too much is refused, each with its line, the value, the limit and what to do', () => {
  for (const [make, most, problem] of limits) {
    const text = `good:${make(most)}\n# a comment\nbad:${make(most + 1)}\n`
    assert.throws(
      () => parsePasswordFile(text),
      ({ message }: Error) => {
        assert.match(message, /^line 3 asks for \d+ .* and at most \d+ are accepted; `sluice passwd FILE USER` writes/)
        assert.match(message.replace('line 3 ', ''), problem)
        return true
      },
    )
  }
  const scram = `good:SCRAM-SHA-256$4096${SCRAM_END}\nbad:SCRAM-SHA-256$999999999${SCRAM_END}`
  assert.throws(
    () => parseScramFile(scram),
    /line 2 asks for 999999999 iterations of SCRAM-SHA-256, and at most 1000000/,
  )
})

test('an import with a hash that costs too much is refused, with the user, the value, the limit and what to do', () => {
  const importOf = (user: object): unknown =>
    finish(readAccessFile({ format: 'sluice-access', version: 1, users: [{ userName: 'ann', ...user }] }))
  for (const [make, most, problem] of limits) {
    importOf({ passwordHash: make(most) })
    assert.throws(
      () => importOf({ passwordHash: make(most + 1) }),
      ({ message }: Error) => {
        assert.match(
          message,
          /^'?"?ann'?"?: passwordHash asks for .*; leave it out, and set a password with `sluice put-user/,
        )
        assert.match(message.replace(/^.*passwordHash /, ''), problem)
        return true
      },
    )
  }
  assert.throws(() => importOf({ scram: `SCRAM-SHA-256$2000000${SCRAM_END}` }), /ann.*: scram asks for 2000000/)
  const mosquitto = (iterations: number): unknown =>
    finish(readAccessFile({ clients: [{ username: 'ann', password: KEY, salt: 'abcd', iterations }] }))
  mosquitto(2_000_000)
  for (const iterations of [2_000_001, 1e21, Infinity]) {
    assert.throws(
      () => mosquitto(iterations),
      /ann.*: its password asks for \S+ iterations of PBKDF2, and at most 2000000/,
    )
  }
})

test('a hash that is in the store all the same is not computed', async () => {
  for (const [make, most] of limits) await assert.rejects(verifyPassword(Buffer.from('x'), make(most + 1)), /asks for/)
})
