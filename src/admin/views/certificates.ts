/** The certificates of all listeners and of the HTTP API, those that end first at the top. @module */
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { CertificateView } from '../../broker/host/admin.ts'
import type { ListenerCertificate } from '../../broker/host/open-listeners.ts'
import { openAdminServices } from '../admin-services.ts'

const DAY_MS = 86_400_000

export function certificatesOf(broker: Broker): readonly CertificateView[] {
  const nowMs = serverOf(broker).clock.wallNow()
  const viewOf =
    (door: CertificateView['door'], listener: string) =>
    (certificate: ListenerCertificate): CertificateView => ({
      door,
      listener,
      ...certificate,
      daysLeft: Math.floor((certificate.validToMs - nowMs) / DAY_MS),
    })
  return [
    ...broker.listeners.flatMap(({ name, certificates }) => certificates.map(viewOf('listener', name))),
    ...(openAdminServices(broker)?.certificates() ?? []).map(viewOf('admin', '')),
  ].sort((one, other) => one.validToMs - other.validToMs)
}

/**
 * Names the certificates that have expired, or will within `certificate-warning-days` of their listener or of `admin`.
 *
 * @returns `null` if there are none; `undefined` if nothing has a certificate
 */
export function certificateProblem(broker: Broker): string | null | undefined {
  const certificates = certificatesOf(broker)
  if (certificates.length === 0) return undefined
  const late = certificates.filter((view) => view.daysLeft < warningDaysOf(broker, view))
  return late.length === 0 ? null : late.map(describe).join('; ')
}

function warningDaysOf({ options }: Broker, { door, listener }: CertificateView): number {
  if (door === 'admin') return options.admin?.certificateWarningDays ?? 0
  return options.listeners.find(({ name }) => name === listener)?.certificateWarningDays ?? 0
}

function describe({ door, listener, subject, certfile, daysLeft }: CertificateView): string {
  const owner = door === 'admin' ? 'the HTTP API' : `listener ${listener}`
  const state = daysLeft < 0 ? 'has expired' : daysLeft === 0 ? 'expires within a day' : `expires in ${daysLeft} days`
  return `the certificate ${subject} of ${owner} (${certfile}) ${state.replace(/^expires in 1 days$/, 'expires in 1 day')}`
}
