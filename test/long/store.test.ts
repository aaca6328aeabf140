/** What the quick tests of the store try a share of, in full. */
import { testHeaders } from '../contract/store-headers.ts'

testHeaders(1)
