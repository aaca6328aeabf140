/**
 * `auth.certificate`: lets Clients in whose verified certificate names them. The listener decides which part of the
 * certificate is the name; here it becomes the User Name. A CONNECT that claims another User Name is denied; one without a
 * certificate, or with an Authentication Method, is no business of this plugin.
 *
 * @module
 */
import type { AuthenticationAnswer, ConnectRequest, Plugin } from '../broker/plugin.ts'

export default function authCertificate(): Plugin {
  return { name: 'auth.certificate', authenticate }
}

function authenticate(request: ConnectRequest): AuthenticationAnswer | undefined {
  const { certificateUserName, userName, authenticationMethod } = request
  if (certificateUserName === undefined || authenticationMethod !== undefined) return undefined
  if (userName !== undefined && userName !== certificateUserName) {
    return { decision: 'deny', cause: 'the certificate names somebody else' }
  }
  return { decision: 'allow', userName: certificateUserName }
}
