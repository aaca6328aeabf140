/** When the certificates of a broker end: for the figures. @module */
import type { CertificateEnd } from '../../reporting/figure.ts'
import type { AdminDoor } from './admin-door.ts'
import type { ListenerCertificate, ListenerView } from './open-listeners.ts'

/** One for each listener with certificates, and one for the HTTP API if it has any. */
export function certificateEnds(
  listeners: readonly Pick<ListenerView, 'name' | 'certificates'>[],
  admin: Pick<AdminDoor, 'certificates'> | undefined,
): CertificateEnd[] {
  return [
    ...listeners.flatMap(({ name, certificates }) => firstOf('listener', name, certificates)),
    ...firstOf('admin', '', admin?.certificates ?? []),
  ]
}

function firstOf(
  door: CertificateEnd['door'],
  listener: string,
  certificates: readonly ListenerCertificate[],
): CertificateEnd[] {
  if (certificates.length === 0) return []
  return [{ door, listener, endsAtMs: Math.min(...certificates.map(({ validToMs }) => validToMs)) }]
}
