/** What the quick tests of the store try a share of, in full. */
import { testHeaders } from '../contract/store-headers.ts'
import { testFilling } from '../contract/store-space.ts'

testHeaders(1)
testFilling(true)
