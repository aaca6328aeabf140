import { test } from 'node:test'
import { Court, VERSION_NAMES } from './court.ts'
import { bytesOfSample, samplesOf } from './samples.ts'

for (const version of [3, 4, 5] as const) {
  test(`The packets of ${VERSION_NAMES[version]} that the other tests break are right as they are`, async () => {
    const court = await Court.open()
    for (const sample of samplesOf(version)) court.takes(version, bytesOfSample(sample))
    await court.close()
  })
}
