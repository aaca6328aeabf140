/**
 * All breakages: at least one for each area of both standards. A row says what it breaks, where, and which statements'
 * tests have to notice.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'
import { connectMutants } from './v311-connect.ts'
import { deliveryMutants } from './v311-delivery.ts'
import { publishMutants } from './v311-publish.ts'
import { subscribeMutants } from './v311-subscribe.ts'
import { wireMutants } from './v311-wire.ts'
import { mutantsConnectPublish5 } from './v5-connect-publish.ts'
import { mutantsDeliver5 } from './v5-deliver.ts'

export type { Mutant }

export const mutants: readonly Mutant[] = [
  ...wireMutants,
  ...connectMutants,
  ...publishMutants,
  ...subscribeMutants,
  ...deliveryMutants,
  ...mutantsConnectPublish5,
  ...mutantsDeliver5,
]
