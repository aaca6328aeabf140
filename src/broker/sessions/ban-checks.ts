/**
 * Whether a client is banned: by its client identifier, address or network before anybody is asked about its login, and by its user
 * once that is known. Clients that connect all the time are banned here as well, if the configuration says so.
 *
 * @module
 */
import type { ReceivedConnect } from '../../codec/packets.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Directory } from '../../access/directory/directory.ts'
import { plainNetwork } from '../../access/address.ts'
import { banName } from '../../access/directory/bans.ts'
import type { BanEntry, BanKind } from '../../access/directory/entries.ts'
import { Flapping } from '../../access/directory/flapping.ts'
import { SluiceError } from '../../base/errors.ts'
import type { AdmissionParts } from './admission-parts.ts'
import { notesOf } from './connection-notes.ts'
import { Refusal } from './refusal.ts'

type Parts = Pick<AdmissionParts, 'current' | 'clock' | 'turn' | 'metrics' | 'events'>

export class BanChecks {
  readonly #parts: Parts
  readonly #flapping = new Flapping()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get #directory(): Directory {
    return this.#parts.current.directory
  }

  /** Before the login. Who claims to be an administrator may show it: `client` decides then. */
  claimed({ peer }: Connection, { clientId, userName }: ReceivedConnect): Refusal | undefined {
    const ban = this.#directory.banOf({ clientId, userName, address: peer.address })
    return ban === undefined ? undefined : this.#refusal(ban)
  }

  /** After the login. */
  client(client: Client): Refusal | undefined {
    const ban = this.#directory.banOf(client)
    return ban === undefined ? undefined : this.#refusal(ban)
  }

  #refusal({ kind, value, reason }: BanEntry): Refusal {
    this.#parts.metrics.connectsBanned++
    return new Refusal(ReasonCode.Banned, `${kind} ${value} is banned${reason === '' ? '' : `: ${reason}`}`)
  }

  /** A CONNECT has come, from whomever. */
  connected(connection: Connection): void {
    const { name } = notesOf(connection).network
    const network = plainNetwork(name)
    if (network !== undefined) this.#watch('network', network)
    else if (name !== '') this.#watch('address', name)
  }

  /** A client is logged in: nobody else can have its client identifier banned. */
  loggedIn({ clientId }: Client): void {
    this.#watch('client-id', clientId)
  }

  #watch(kind: BanKind, value: string): void {
    const { current, clock, turn } = this.#parts
    const { bans } = current.options
    if (!this.#flapping.isTooMuch(banName(kind, value), bans, turn.now())) return
    const createdAtMs = Math.floor(clock.wallNow())
    const untilMs = createdAtMs + bans.flappingBan * 1000
    const reason = `${bans.flappingConnects} connections within ${bans.flappingWindow} s`
    const over = this.#directory.bans.over().map((name) => ({ type: 'ban', name, entry: undefined }) as const)
    this.#ban(
      [...over, { type: 'ban', name: banName(kind, value), entry: { kind, value, reason, createdAtMs, untilMs } }],
      value,
    )
  }

  #ban(plan: Parameters<Directory['carryOut']>[0], value: string): void {
    try {
      this.#directory.carryOut(plan)
      this.#parts.metrics.flappingBans++
      this.#parts.events.emit('limitReached', { option: 'flapping-connects', owner: value })
    } catch (error) {
      // There are too many bans, or the store is full: it is counted there, and this one goes without.
      if (!(error instanceof SluiceError)) throw error
    }
  }
}
