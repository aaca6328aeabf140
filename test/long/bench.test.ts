import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanCheckout, run } from './checkout.ts'

test('npm run bench measures ours, and the peers that are there, on a clean checkout', async (t) => {
  const folder = await cleanCheckout(t)
  const out = await run(folder, 'npm', 'run', 'bench', '--', '--rows', '1-1', '--runs', '1', '--seconds', '0.3')
  assert.match(out, /^1 → 1, QoS 0 +sluice +[\d,]+ +\d/m)
  assert.match(out, /^1 → 1, QoS 0 +aedes +[\d,]+ +\d/m)
})
