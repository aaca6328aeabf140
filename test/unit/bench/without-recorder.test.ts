import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosen, workloadNamed } from '../../../bench/guarded-run.ts'
import { guarded } from '../../../bench/guarded.ts'
import { withoutRecorder } from '../../../bench/without-recorder.ts'

test('every guarded row and its reference exist, and differ from those without the recorder in one setting', () => {
  for (const { row, reference } of guarded) {
    const workload = workloadNamed(row)
    assert.deepEqual(chosen(row), [guarded.find((each) => each.row === row)])
    assert.ok(workloadNamed(reference))
    assert.deepEqual(withoutRecorder(workload), {
      ...workload,
      settings: { ...workload.settings, 'max-recorder-bytes': 0 },
    })
  }
  const settings = { 'max-outgoing-bytes': 1 }
  assert.deepEqual(withoutRecorder({ ...workloadNamed('1-1'), settings }).settings, {
    ...settings,
    'max-recorder-bytes': 0,
  })
})
