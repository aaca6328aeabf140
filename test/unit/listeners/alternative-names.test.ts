import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { userNameOf } from '../../../src/listeners/client-certificate.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { assertBelow, processorMicroseconds } from '../../support/measurement.ts'
import fc from '../../support/property.ts'

const authority = new TestAuthority('authority')

function nameIn(names: readonly string[]): string | undefined {
  return userNameOf(new X509Certificate(authority.issue({ names }).certificate), 'san')
}

/** What may stand in a name, with all that has a meaning in Node's text of them. */
const text = fc.string({
  unit: fc.constantFrom('a', 'DNS:', 'URI:', ':', ',', ', ', '"', '\\', "'", '/', '=', ' '),
  minLength: 1,
})
const name = fc.oneof(
  fc.tuple(fc.constantFrom('DNS', 'URI', 'email'), text).map(([kind, value]) => `${kind}:${value}`),
  fc.constant('IP:192.0.2.1'),
)

test('san: the first DNS name, URI or e-mail address is the user name, whatever the names hold', () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), (names) => {
      const first = names.find((each) => !each.startsWith('IP:'))
      assert.equal(nameIn(names), first?.slice(first.indexOf(':') + 1))
    }),
    { numRuns: 60 },
  )
})

test('san: a name with U+0000 is none', () => {
  assert.equal(nameIn(['DNS:pump-7\0.evil.example']), undefined)
})

test('san: reading the name of a certificate takes time in proportion to its length', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('a', ':', '"', '\\', '":', ', ', 'DNS:', '\\"', '::,'),
      name,
      async (piece, last) => {
        const long = piece.repeat(Math.floor(60_000 / piece.length))
        for (const kind of ['DNS', 'URI', 'email']) {
          const certificate = new X509Certificate(authority.issue({ names: [`${kind}:${long}`, last] }).certificate)
          await assertBelow(100_000, `µs for ${piece}`, () =>
            processorMicroseconds(() => assert.equal(userNameOf(certificate, 'san'), long)),
          )
        }
      },
    ),
    { numRuns: 15 },
  )
})

test('san: thousands of names that are no user name are passed over', () => {
  const names = [...Array<string>(8000).fill('IP:192.0.2.1'), 'DNS:pump-7']
  assert.equal(nameIn(names), 'pump-7')
})
