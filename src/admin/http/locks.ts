/**
 * Who makes a request, and what they may do.
 *
 *   Unix domain socket         administrator: its file belongs to the user of the broker
 *   Authorization: Bearer KEY  the role of the key
 *   client certificate         `certificate-role`, if a CA in `cafile` has signed it
 *
 * After wrong keys the next one from that address has to wait, longer with each, as for logins of clients
 * (access/login-penalties.ts); a key that has been right from an address is not delayed by wrong ones of others.
 *
 * @module
 */
import { networkOf } from '../../access/address.ts'
import { LoginPenalties, type Debtor } from '../../access/login-penalties.ts'
import type { Clock } from '../../base/clock.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { Options } from '../../config/resolved-options.ts'
import { presentedKey, type ApiKeys } from '../api-keys.ts'
import { roles } from '../operation.ts'
import { Problem } from './problem.ts'
import { LOCAL_ADDRESS, type RequestHead } from './request.ts'

/** Who has logged in. */
export interface Principal {
  /** For the audit log. */
  readonly name: string
  readonly role: AdminRole
  /** Of the key that it has shown. */
  readonly keyId?: string
}

const LOCAL: Principal = { name: 'local', role: 'administrator' }
const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="sluice"' }

export class Locks {
  #keys: ApiKeys
  readonly #clock: Clock
  readonly #penalties: LoginPenalties
  #options: Options

  constructor(keys: ApiKeys, options: Options, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
    this.#options = options
    this.#penalties = new LoginPenalties(options.auth)
  }

  /** Applies new options to requests from now on. */
  configure(options: Options, keys: ApiKeys): void {
    this.#keys = keys
    this.#options = options
    this.#penalties.limits = options.auth
  }

  /** @throws {Problem} `ERR_UNAUTHORIZED`, or `ERR_RATE` after wrong keys */
  principalOf({ address, headers, certificateName }: RequestHead): Principal {
    if (address === LOCAL_ADDRESS) return LOCAL
    const { authorization } = headers
    if (authorization === undefined && certificateName !== undefined) {
      return { name: `certificate ${certificateName}`, role: this.#options.admin!.certificateRole }
    }
    const text = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    if (text === undefined) {
      throw new Problem('ERR_UNAUTHORIZED', 'send an API key: `Authorization: Bearer KEY`', {}, CHALLENGE)
    }
    return this.#ofKey(text, address)
  }

  /** Whether it could log in again: a key may have expired or been deleted. */
  stillHolds({ keyId }: Principal): boolean {
    return keyId === undefined || this.#keys.isValid(keyId)
  }

  #ofKey(text: string, address: string): Principal {
    const presented = presentedKey(text)
    const network = networkOf(address, this.#options.ipv6PrefixLength)
    const debtor = this.#penalties.debtorOf(address, network, presented?.keyId)
    const now = this.#clock.now()
    const waitMs = debtor === undefined ? 0 : this.#penalties.accountDelayMs(debtor.account, now)
    if (waitMs > 0) throw tooEarly(waitMs)
    const key = presented && this.#keys.check(presented)
    if (key === undefined) throw this.#wrong(debtor, now)
    if (debtor !== undefined) this.#penalties.remember(debtor)
    return { name: `key ${key.keyId} (${key.name})`, role: key.role, keyId: key.keyId }
  }

  /** The same for every reason, so that an answer does not reveal which keys there are. */
  #wrong(debtor: Debtor | undefined, now: number): Problem {
    if (debtor !== undefined) this.#penalties.charge(debtor, now)
    return new Problem('ERR_UNAUTHORIZED', 'the API key is wrong, or it has expired or been deleted', {}, CHALLENGE)
  }
}

function tooEarly(waitMs: number): Problem {
  const seconds = Math.ceil(waitMs / 1000)
  const detail = `there were wrong API keys from this address; try again in ${seconds} s`
  return new Problem('ERR_RATE', detail, {}, { 'Retry-After': String(seconds) })
}

/** @throws {Problem} `ERR_FORBIDDEN` */
export function checkRole({ name, role }: Principal, needed: AdminRole): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return
  throw new Problem('ERR_FORBIDDEN', `this takes the role ${needed}; ${name} has the role ${role}`, { role: needed })
}
