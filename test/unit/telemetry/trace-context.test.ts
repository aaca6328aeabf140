import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSampled, traceContextOf } from '../../../src/telemetry/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

const parents: readonly (readonly [title: string, parent: string, isSampled: boolean | undefined])[] = [
  ['a sampled one', `00-${TRACE}-${SPAN}-01`, true],
  ['one that is not sampled', `00-${TRACE}-${SPAN}-00`, false],
  ['flags that are not known yet', `00-${TRACE}-${SPAN}-03`, true],
  ['a later version with more behind the flags', `01-${TRACE}-${SPAN}-01-more`, true],
  ['version 00 with more behind the flags', `00-${TRACE}-${SPAN}-01-more`, undefined],
  ['the version that is not allowed', `ff-${TRACE}-${SPAN}-01`, undefined],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  ['a trace that is too short', `00-${TRACE.slice(1)}-${SPAN}-01`, undefined],
  ['nothing', '', undefined],
  ['64 KiB', '0'.repeat(65_535), undefined],
]

for (const [title, parent, expected] of parents) {
  test(`traceparent: ${title}`, () => {
    const context = traceContextOf({ userProperties: [['traceparent', parent]] })
    assert.equal(context && isSampled(context), expected)
    if (context !== undefined) assert.deepEqual([context.traceId, context.spanId], [TRACE, SPAN])
  })
}

test('two of traceparent are none; the names are in lower case; tracestate may be divided', () => {
  const parent = ['traceparent', `00-${TRACE}-${SPAN}-01`] as const
  assert.equal(traceContextOf({ userProperties: [parent, parent] }), undefined)
  assert.equal(traceContextOf({ userProperties: [['Traceparent', parent[1]]] }), undefined)
  assert.equal(traceContextOf({}), undefined)
  const divided = [parent, ['tracestate', 'a=1'], ['tracestate', 'b=2']] as const
  assert.equal(traceContextOf({ userProperties: divided })?.state, 'a=1,b=2')
  const long = [parent, ['tracestate', `a=${'x'.repeat(511)}`]] as const
  assert.equal(traceContextOf({ userProperties: long })?.state, '')
})
