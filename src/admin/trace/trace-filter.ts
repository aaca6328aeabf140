/** What a trace follows: the conditions of its filter, checked and ready to be asked. @module */
import { isIP } from 'node:net'
import { show } from '../../base/show.ts'
import { addressList } from '../../access/address.ts'
import type { TraceFilter } from '../../broker/host/trace-admin.ts'
import { matches, parseSharedFilter, topicFilterProblem } from '../../topics/topic-filter.ts'
import { ParameterError } from '../parameter-error.ts'

/** Who a client is, or claims to be. */
export interface Identity {
  readonly clientId: string
  readonly userName: string | undefined
  readonly address: string
}

export class TraceMatcher {
  readonly filter: TraceFilter
  readonly #isFrom: ((address: string) => boolean) | undefined
  /** The topic that was asked about last: a message is asked about once for each receiver. */
  #lastTopic = ''
  #lastMatches = false

  /** @throws {ParameterError} for a filter that is empty or cannot match */
  constructor({ clientId, userName, address, topicFilter }: TraceFilter) {
    this.filter = { clientId, userName, address, topicFilter }
    const isEmpty = [clientId, userName, address, topicFilter].every((condition) => condition === undefined)
    if (isEmpty) {
      const way = 'give clientId, userName, address or topicFilter; the topic filter # follows all messages'
      throw new ParameterError(`startTrace: it has to be limited: ${way}`, 'clientId')
    }
    if (address !== undefined) this.#isFrom = addressList([checkedRange(address)])
    if (topicFilter !== undefined) checkTopicFilter(topicFilter)
  }

  /** Whether messages are followed, rather than the packets of clients. */
  get followsTopic(): boolean {
    return this.filter.topicFilter !== undefined
  }

  /** Whether it has conditions for clients. */
  get selectsClients(): boolean {
    const { clientId, userName, address } = this.filter
    return clientId !== undefined || userName !== undefined || address !== undefined
  }

  /** Whether it selects addresses only: what comes from there is followed before it says who it is. */
  get selectsAddressesOnly(): boolean {
    const { clientId, userName } = this.filter
    return this.#isFrom !== undefined && clientId === undefined && userName === undefined && !this.followsTopic
  }

  isFrom(address: string): boolean {
    return this.#isFrom === undefined || this.#isFrom(address)
  }

  matchesClient({ clientId, userName, address }: Identity): boolean {
    const { filter } = this
    if (filter.clientId !== undefined && filter.clientId !== clientId) return false
    if (filter.userName !== undefined && filter.userName !== userName) return false
    return this.isFrom(address)
  }

  /** Hot while a topic is followed: asked for every message and receiver. */
  matchesTopic(topicName: string): boolean {
    const { topicFilter } = this.filter
    if (topicFilter === undefined) return true
    if (topicName !== this.#lastTopic) {
      this.#lastTopic = topicName
      this.#lastMatches = matches(topicFilter, topicName)
    }
    return this.#lastMatches
  }
}

/** @throws {ParameterError} */
function checkedRange(range: string): string {
  const [address = '', bits, ...more] = range.split('/')
  const version = isIP(address)
  const most = version === 6 ? 128 : 32
  const isNumber = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
  if (version !== 0 && isNumber && more.length === 0) return range
  const expected = 'an IP address or a network, such as 192.0.2.7 or 10.0.0.0/8'
  throw new ParameterError(`startTrace: address must be ${expected}, got ${show(range)}`, 'address', expected)
}

/** @throws {ParameterError} */
function checkTopicFilter(topicFilter: string): void {
  const problem =
    parseSharedFilter(topicFilter) === undefined
      ? topicFilterProblem(topicFilter)
      : 'it is shared; give the part after the ShareName'
  if (problem === undefined) return
  throw new ParameterError(`startTrace: ${show(topicFilter)} is no topic filter: ${problem}`, 'topicFilter')
}
