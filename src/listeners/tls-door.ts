/**
 * TLS. Its server never listens: it is given sockets, so that a PROXY header can come first, and it is replaced as a
 * whole when certificates are renewed. Handshakes in progress finish with the old ones, and no Connection is affected.
 *
 * @module
 */
import type { ListenerCertificate } from '../broker/host/open-listeners.ts'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Timer } from '../base/clock.ts'
import { invariant } from '../base/errors.ts'
import { logRefusal } from '../base/log.ts'
import { safeExcerpt } from '../base/printable.ts'
import type { Peer } from '../protocol/transport.ts'
import type { CertificateVerdict } from '../broker/sessions/listener-state.ts'
import { certificatePaths, loadCertificates, type Certificates, type Trust } from './certificates.ts'
import { judgeAgain, judgePeer, PresentedCertificate } from './client-certificate.ts'
import type { Door, House } from './door.ts'
import { watchFiles } from './file-watch.ts'
import type { Stay } from './waiting-room.ts'

const DAY_MS = 86_400_000

interface Handshake {
  readonly peer: Peer
  readonly stay: Stay
}

export class TlsDoor implements Door {
  readonly #house: House
  readonly #next: Door
  /** By the two ends of the socket, the only information that a TLS socket has about the one below it. */
  readonly #handshakes = new Map<string, Handshake>()
  readonly #unwatch: () => void
  #server: Server
  #certificates: Certificates
  #daily: Timer
  #closed = false
  /** The last error about renewed files, so that each is logged once. */
  #complaint: string | undefined

  /** @throws {ConfigError} if a certificate, key, CA or CRL cannot be used */
  static async open(house: House, next: Door): Promise<TlsDoor> {
    return new TlsDoor(house, next, await loadCertificates(house.options))
  }

  private constructor(house: House, next: Door, certificates: Certificates) {
    this.#house = house
    this.#next = next
    this.#certificates = certificates
    this.#server = this.#serve(certificates)
    this.#daily = this.#warnDaily()
    this.#unwatch = watchFiles(certificatePaths(house.options), house.host.clock, () => void this.#renew())
  }

  enter(socket: Duplex, peer: Peer, stay: Stay | undefined): void {
    invariant(socket instanceof Socket && stay !== undefined, 'TLS runs directly on a socket in the waiting room')
    const key = endsOf(socket)
    stay.onLost = (cause) => {
      if (cause === 'gave way') this.#take(key)
      else this.#failed(key, cause === 'late' ? this.#lateness() : 'the peer closed the connection')
    }
    this.#handshakes.set(key, { peer, stay })
    // An end within the handshake ends it; later the pump decides when to answer an end with ours.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }

  /** The certificates that it shows at present. */
  get certificates(): readonly ListenerCertificate[] {
    return this.#certificates.summary
  }

  /** @param asOf the files by which its handshake was judged */
  judge(socket: TLSSocket, asOf: Trust): CertificateVerdict {
    const { options, host } = this.#house
    return judgeAgain(socket, options, this.#certificates, asOf, host.clock.wallNow())
  }

  close(): void {
    this.#closed = true
    this.#unwatch()
    this.#daily.cancel()
    this.#next.close()
  }

  /** Certificates also expire while nothing is started or reloaded. */
  #warnDaily(): Timer {
    const { clock, log } = this.#house.host
    for (const warning of this.#certificates.warnings(clock.wallNow())) log.warn(warning)
    return clock.setTimer(DAY_MS, () => {
      this.#daily = this.#warnDaily()
    })
  }

  #serve(certificates: Certificates): Server {
    const server = createServer({
      ...certificates.context,
      SNICallback: (name, answer) => answer(null, certificates.contextFor(name)),
      requestCert: this.#house.options.clientCertificates !== 'off',
      // A client without a valid certificate is refused in #secured, where the reason is known.
      rejectUnauthorized: false,
    })
    server.on('secureConnection', (socket) => this.#secured(socket, certificates))
    server.on('tlsClientError', (error, socket) => {
      // A closed socket has lost its addresses; the socket below reports it.
      this.#failed(endsOf(socket), reasonOf(error))
      socket.destroy()
    })
    return server
  }

  /** @param begunWith the certificates with which the handshake began: the server may have been replaced since */
  #secured(socket: TLSSocket, begunWith: Certificates): void {
    const key = endsOf(socket)
    const { options, host } = this.#house
    const verdict = judgePeer(socket, options, this.#certificates.revocations, host.clock.wallNow())
    const certificate = new PresentedCertificate(socket, begunWith.trust, host.certificates)
    const isLate = this.#closed || begunWith !== this.#certificates
    const refused = verdict.refused ?? (isLate ? certificate.problem : undefined)
    if (refused !== undefined) {
      this.#failed(key, refused)
      return void socket.destroy()
    }
    const handshake = this.#take(key)
    // The peer closed as soon as the handshake was complete.
    if (handshake === undefined) return void socket.destroy()
    socket.allowHalfOpen = true
    handshake.stay.onLost = () => {}
    const certificateUserName = isLate ? certificate.userName : verdict.userName
    const peer = { ...handshake.peer, encrypted: true, certificateUserName, certificate, tls: certificate }
    this.#next.enter(socket, peer, handshake.stay)
  }

  #lateness(): string {
    return `not finished within ${this.#house.options.connectTimeout * 1000} ms`
  }

  #take(key: string): Handshake | undefined {
    const handshake = this.#handshakes.get(key)
    this.#handshakes.delete(key)
    return handshake
  }

  #failed(key: string, cause: string): void {
    const handshake = this.#take(key)
    if (handshake === undefined) return
    const { host, options, counters } = this.#house
    const { name: listener } = options
    const { address } = handshake.peer
    if (isSilent(handshake.stay)) {
      host.log.debug({ listener, address }, `a connection from ${address} was closed before it sent anything`)
      return
    }
    counters.failedHandshakes++
    logRefusal(host.log, { listener, address, cause }, `TLS handshake failed with ${address}: ${safeExcerpt(cause)}`)
    host.turnedAway({ listener, address, stage: 'TLS', detail: cause })
  }

  /** Starts using renewed files; files that do not (yet) fit together change nothing. */
  async #renew(): Promise<void> {
    const { host, options } = this.#house
    const listener = options.name
    try {
      const certificates = await loadCertificates(options)
      this.#complaint = undefined
      if (this.#closed || certificates.fingerprint === this.#certificates.fingerprint) return
      this.#certificates = certificates
      this.#server = this.#serve(certificates)
      host.certificatesChanged()
      host.log.info({ listener, certificates: certificates.summary }, 'renewed certificates are in use')
      this.#daily.cancel()
      this.#daily = this.#warnDaily()
    } catch (error) {
      const { message } = error as Error
      if (this.#closed || message === this.#complaint) return
      this.#complaint = message
      host.log.error(
        { listener, err: error },
        `renewed certificates cannot be used; the old ones stay in use: ${message}`,
      )
    }
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

/** Whether nothing followed the PROXY header, if there was one: a health check of a load balancer. */
function isSilent({ stream, headerBytes, isLate }: Stay): boolean {
  return !isLate && stream instanceof Socket && stream.bytesRead === headerBytes
}

/** Explanations for OpenSSL's reasons that would leave the operator guessing. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  'wrong version number': 'the client does not speak TLS',
  'packet length too long': 'the client does not speak TLS',
  'http request': 'the client speaks HTTP without TLS',
  'https proxy request': 'the client speaks HTTP without TLS',
}

/** The reason alone: OpenSSL's message also contains numbers, names of its source files and a line feed. */
function reasonOf(error: Error & { readonly reason?: string }): string {
  // 00…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/…:354:
  const reason = error.reason ?? /:error:[^:]*:[^:]*:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? error.message.trim()
  const explanation = EXPLANATIONS[reason]
  return explanation === undefined ? reason : `${reason}: ${explanation}`
}
