/**
 * `auth.certificate`: admits clients that are named by their verified certificate. The listener determines which part
 * of the certificate is the name; this plugin makes it the user name. A CONNECT with another user name is denied. This
 * plugin has no opinion on one without a certificate, or with an Authentication Method.
 *
 * @module
 */
import type { AuthenticationAnswer, Client, ConnectRequest, Plugin } from '../access/plugin.ts'

export default function authCertificate(): Plugin {
  return { name: 'auth.certificate', authenticate, mayStay }
}

function authenticate(request: ConnectRequest): AuthenticationAnswer | undefined {
  const { certificateUserName, certificate, userName, authenticationMethod } = request
  if (certificateUserName === undefined || authenticationMethod !== undefined) return undefined
  if (userName !== undefined && userName !== certificateUserName) {
    return { decision: 'deny', cause: 'the certificate names another user' }
  }
  const allowed = { decision: 'allow', userName: certificateUserName } as const
  return certificate === undefined ? allowed : { ...allowed, evidence: certificate }
}

/** The listener's options may take another name from the certificate by now. */
function mayStay({ userName }: Client, evidence: unknown): true | undefined {
  if (typeof evidence !== 'object' || evidence === null) return evidence === true ? true : undefined
  return (evidence as NonNullable<ConnectRequest['certificate']>).userName === userName ? true : undefined
}
