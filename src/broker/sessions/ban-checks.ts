/**
 * Whether a client is banned: by its client identifier, address or network before anybody is asked about its login, and
 * by its user once that is known. Clients that connect all the time are banned here as well, if the configuration says
 * so.
 *
 * @module
 */
import type { ReceivedConnect } from '../../codec/packets.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Directory } from '../../access/directory/directory.ts'
import { plainNetwork } from '../../access/address.ts'
import { banName, type Banned } from '../../access/directory/bans.ts'
import { ADMINISTRATOR, type BanEntry, type BanKind } from '../../access/directory/entries.ts'
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

  /**
   * Before the login. A client that claims to be an administrator may prove it: `client` decides then. One that begins
   * an exchange may claim it in the first step: `exchange` decides then.
   */
  claimed({ peer }: Connection, { clientId, userName, properties }: ReceivedConnect): Refusal | undefined {
    const claimed = userName ?? peer.certificateUserName
    const isLater = claimed === undefined && properties.authenticationMethod !== undefined
    if (isLater && this.#directory.get('role', ADMINISTRATOR) !== undefined) return undefined
    return this.#refusalOf({ clientId, userName: claimed, address: peer.address })
  }

  /** After a step of an exchange (§4.12) that does not decide it. */
  exchange({ peer, connectPacket }: Connection, claimedUserName: string | undefined): Refusal | undefined {
    return this.#refusalOf({ clientId: connectPacket?.clientId, userName: claimedUserName, address: peer.address })
  }

  /** After the login. */
  client(client: Client): Refusal | undefined {
    return this.#refusalOf(client)
  }

  #refusalOf(facts: Banned): Refusal | undefined {
    const ban = this.#directory.banOf(facts)
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
