/**
 * `auth.certificate`: lets Clients in whose verified certificate names them. The listener decides which part of the
 * certificate is the name; here it becomes the User Name. A CONNECT that claims another User Name is denied; one without a
 * certificate, or with an Authentication Method, is no business of this plugin.
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
    return { decision: 'deny', cause: 'the certificate names somebody else' }
  }
  const allowed = { decision: 'allow', userName: certificateUserName } as const
  return certificate === undefined ? allowed : { ...allowed, evidence: certificate }
}

/** The rules may read another name from it by now. */
function mayStay({ userName }: Client, evidence: unknown): true | undefined {
  if (typeof evidence !== 'object' || evidence === null) return evidence === true ? true : undefined
  return (evidence as NonNullable<ConnectRequest['certificate']>).userName === userName ? true : undefined
}
