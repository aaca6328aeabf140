/**
 * The caller of a change that takes time, such as one with a password that is hashed: it may have lost its role
 * meanwhile. @module
 */
import { SluiceError } from '../../base/errors.ts'
import type { CallOptions } from '../../broker/host/admin.ts'
import { ownerOf } from '../../broker/host/trace-admin.ts'

/** @throws {SluiceError} `ERR_FORBIDDEN` for a caller that is no administrator any more */
export function checkCallerNow({ caller }: CallOptions): void {
  if (caller?.roleNow === undefined || caller.roleNow() === 'administrator') return
  throw new SluiceError('ERR_FORBIDDEN', `${caller.name} has no longer the role administrator; nothing was changed`)
}

/** Whose turn it is when passwords are hashed; `undefined` for the host program and callers on the machine. */
export function holderOf({ caller }: CallOptions): string | undefined {
  return caller === undefined || caller.isLocal === true ? undefined : ownerOf(caller)
}
