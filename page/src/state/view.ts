/** A view of the broker that stays up to date while it is looked at. @module */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { OperationName } from '../../../src/broker/host/admin.ts'
import { ApiProblem, call, type AnswerOf, type ParametersOf } from '../api/client.ts'

export interface View<Value> {
  /** The latest; `undefined` before the first. */
  readonly value: Value | undefined
  /** Why there is no newer one. */
  readonly problem: ApiProblem | undefined
  readonly reload: () => void
}

/**
 * Calls an operation now, when its parameters change, and every `everyMs` while the page is visible.
 *
 * @param everyMs 0: not again
 */
export function useView<Name extends OperationName>(
  name: Name,
  parameters: ParametersOf<Name>,
  everyMs = 5000,
): View<AnswerOf<Name>> {
  return useLoaded(() => call(name, parameters), `${name} ${JSON.stringify(parameters)}`, everyMs)
}

/** @param key what is loaded: another one discards what there was */
export function useLoaded<Value>(
  load: (signal: AbortSignal) => Promise<Value>,
  key: string,
  everyMs: number,
): View<Value> {
  const [state, setState] = useState<{ key: string; value?: Value; problem?: ApiProblem }>({ key })
  const [round, setRound] = useState(0)
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = (): void => {
      if (everyMs > 0 && !abort.signal.aborted) timer = setTimeout(run, everyMs)
    }
    const run = (): void => {
      if (document.hidden) return again()
      latest.current(abort.signal).then(
        (value) => {
          if (!abort.signal.aborted) setState({ key, value })
          again()
        },
        (error: unknown) => {
          if (!abort.signal.aborted)
            setState((before) => ({ ...(before.key === key ? before : { key }), problem: problemOf(error) }))
          again()
        },
      )
    }
    run()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, round])
  const reload = useCallback(() => setRound((before) => before + 1), [])
  const isCurrent = state.key === key
  return { value: isCurrent ? state.value : undefined, problem: isCurrent ? state.problem : undefined, reload }
}

export function problemOf(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, 'ERROR', String(error))
}
