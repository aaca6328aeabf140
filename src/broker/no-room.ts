/**
 * A message that its client may publish, and for which there is no room: no permission, and not said as one. @module
 */
export class NoRoom {
  /** Which limit is reached, for logs and events. */
  readonly detail: string

  constructor(detail: string) {
    this.detail = detail
  }
}
