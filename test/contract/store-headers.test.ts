import { testHeaders } from './store-headers.ts'

// All of them: test/long/store.test.ts.
testHeaders(8)
