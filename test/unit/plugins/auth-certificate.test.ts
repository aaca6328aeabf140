import assert from 'node:assert/strict'
import { test } from 'node:test'
import authCertificate from '../../../src/plugins/auth-certificate.ts'
import { requestOf } from './support.ts'

const plugin = authCertificate()

test('auth.certificate: the name in a verified certificate becomes the User Name', () => {
  const answer = { decision: 'allow', userName: 'meter' }
  assert.deepEqual(plugin.authenticate?.(requestOf(undefined, undefined, { certificateUserName: 'meter' })), answer)
  assert.deepEqual(plugin.authenticate?.(requestOf('meter', 'x', { certificateUserName: 'meter' })), answer)
})

test('auth.certificate: another User Name in CONNECT is denied', () => {
  const answer = plugin.authenticate?.(requestOf('admin', undefined, { certificateUserName: 'meter' }))
  assert.deepEqual(answer, { decision: 'deny', cause: 'the certificate names another user' })
})

test('auth.certificate: no certificate, or an Authentication Method, is no business of the plugin', () => {
  assert.equal(plugin.authenticate?.(requestOf('admin', 'p')), undefined)
  const exchange = requestOf(undefined, undefined, { certificateUserName: 'meter', authenticationMethod: 'X' })
  assert.equal(plugin.authenticate?.(exchange), undefined)
})
