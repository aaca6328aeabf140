/** Every way of attacking that is known. A new one is a row in one of these tables. @module */
import type { Shape } from '../shape.ts'
import { byteShapes } from './bytes.ts'
import { doorShapes } from './doors.ts'
import { keptShapes } from './kept.ts'
import { noiseShapes } from './noise.ts'
import { togetherShapes } from './together.ts'
import { workShapes } from './work.ts'

const alone: readonly Shape[] = [...byteShapes, ...keptShapes, ...workShapes, ...doorShapes, ...noiseShapes]

export const shapes: readonly Shape[] = [...alone, ...togetherShapes(alone)]
