/**
 * A value now, or a promise of it. A synchronous answer never becomes a promise, so that hot paths stay synchronous.
 */
export type MaybePromise<Value> = Value | Promise<Value>
