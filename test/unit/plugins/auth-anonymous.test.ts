import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectRequest } from '../../../src/access/plugin.ts'
import authAnonymous from '../../../src/plugins/auth-anonymous.ts'
import { contextOf, decisionOf, requestOf } from './support.ts'

const cases: [
  title: string,
  options: Record<string, unknown>,
  request: ConnectRequest,
  expected: string | undefined,
][] = [
  ['allowed, claims nothing', { allowAnonymous: true }, requestOf(), 'allow'],
  ['allowed, with a User Name', { allowAnonymous: true }, requestOf('u'), undefined],
  ['allowed, with an empty User Name', { allowAnonymous: true }, requestOf(''), undefined],
  ['allowed, with a Password only', { allowAnonymous: true }, requestOf(undefined, 'p'), undefined],
  [
    'allowed, with a method',
    { allowAnonymous: true },
    requestOf(undefined, undefined, { authenticationMethod: 'X' }),
    undefined,
  ],
  [
    'allowed, with a User Name that counts for nothing',
    { allowAnonymous: true, unknownUserNames: 'as-anonymous' },
    requestOf('u', 'p'),
    'allow',
  ],
  [
    'forbidden, with a User Name that counts for nothing',
    { unknownUserNames: 'as-anonymous' },
    requestOf('u', 'p'),
    undefined,
  ],
  [
    'allowed, with a User Name that counts for nothing elsewhere',
    { allowAnonymous: true, unknownUserNames: 'as-anonymous', unknownUserNamesOn: { default: 'refuse' } },
    requestOf('u', 'p'),
    undefined,
  ],
  ['forbidden, claims nothing', { allowAnonymous: false }, requestOf(), undefined],
  [
    'forbidden, with a User Name (C6: the ancestor let it in)',
    { allowAnonymous: false },
    requestOf('u', 'p'),
    undefined,
  ],
  ['not written', {}, requestOf(), undefined],
  ['forbidden but for this listener', { allowAnonymousOn: { default: true } }, requestOf(), 'allow'],
  [
    'allowed but for this listener',
    { allowAnonymous: true, allowAnonymousOn: { default: false } },
    requestOf(),
    undefined,
  ],
]

for (const [title, options, request, expected] of cases) {
  test(`auth.anonymous: ${title} -> ${expected ?? 'no opinion'}`, async () => {
    assert.equal(await decisionOf(authAnonymous(contextOf(options)), request), expected)
  })
}
