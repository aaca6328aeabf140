/** The certificates of all listeners, those that end first at the top. @module */
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { CertificateView } from '../../broker/host/admin.ts'

const DAY_MS = 86_400_000

export function certificatesOf(broker: Broker): readonly CertificateView[] {
  const nowMs = serverOf(broker).clock.wallNow()
  return broker.listeners
    .flatMap(({ name: listener, certificates }) =>
      certificates.map((certificate) => ({
        listener,
        ...certificate,
        daysLeft: Math.floor((certificate.validToMs - nowMs) / DAY_MS),
      })),
    )
    .sort((one, other) => one.validToMs - other.validToMs)
}
