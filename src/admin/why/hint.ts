/** A hint while it is gathered: who is concerned, and how many. @module */
import type { HintView } from '../../broker/host/why-view.ts'
import { nameOf } from './facts.ts'

/** Clients that a hint names. */
const MAX_NAMED = 5

/** Clients that something was seen of. */
export class Concerned {
  count = 0
  readonly clientIds: string[] = []

  add(clientId: string): void {
    this.count++
    if (this.clientIds.length < MAX_NAMED) this.clientIds.push(clientId)
  }

  /** @example '"a", "b" and 7 others' */
  get names(): string {
    const named = this.clientIds.map(nameOf).join(', ')
    const others = this.count - this.clientIds.length
    return others === 0 ? named : `${named} and ${others} other${others === 1 ? '' : 's'}`
  }

  hint(name: string, text: string, link: string): HintView {
    return { name, text, link, clientIds: this.clientIds }
  }
}
