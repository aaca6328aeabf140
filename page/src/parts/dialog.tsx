/** Questions before an action, and short notes after it. @module */
import { effect, signal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { route } from '../state/route.ts'
import { problemOf } from '../state/view.ts'
import { texts } from '../texts.ts'

interface Question<Answer> {
  readonly title: string
  /** What will happen. */
  readonly body: ComponentChildren
  readonly action: string
  readonly isDangerous?: boolean
  readonly run: () => Promise<Answer>
  /** A note when it is done. */
  readonly done?: string | ((answer: Answer) => string)
  readonly undo?: () => Promise<unknown>
}

interface Note {
  readonly text: string
  readonly undo?: (() => Promise<unknown>) | undefined
}

const question = signal<Question<unknown> | undefined>(undefined)
const note = signal<Note | undefined>(undefined)

// A note is about the place where it came up.
effect(() => {
  void route.value
  note.value = undefined
})

/** Asks, and acts if the answer is yes. */
export function ask<Answer>(asked: Question<Answer>): void {
  question.value = asked as Question<unknown>
}

/** Acts without asking, for what can be undone or harms nothing. */
export async function act(run: () => Promise<unknown>, done: string): Promise<void> {
  try {
    await run()
    note.value = { text: done }
  } catch (error) {
    note.value = { text: problemOf(error).message }
  }
}

/** The open question and the latest note. */
export function Dialogs(): JSX.Element {
  return (
    <>
      {question.value && <Open asked={question.value} />}
      <div class="note" role="status">
        {note.value && <LatestNote note={note.value} />}
      </div>
    </>
  )
}

function LatestNote({ note: { text, undo } }: { readonly note: Note }): JSX.Element {
  return (
    <p>
      <span>{text}</span>
      {undo && (
        <button type="button" class="plain" onClick={() => void act(undo, texts.undone)}>
          {texts.undo}
        </button>
      )}
      <button type="button" class="plain" aria-label={texts.close} onClick={() => (note.value = undefined)}>
        ×
      </button>
    </p>
  )
}

function Open({ asked }: { readonly asked: Question<unknown> }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  useEffect(() => dialog.current?.showModal(), [])
  const close = (): void => void (question.value = undefined)
  const run = async (): Promise<void> => {
    setBusy(true)
    try {
      const answer = await asked.run()
      const { done } = asked
      if (done !== undefined) note.value = { text: typeof done === 'string' ? done : done(answer), undo: asked.undo }
      close()
    } catch (error) {
      setProblem(problemOf(error).message)
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{asked.title}</h2>
      <div class="dialog-body">{asked.body}</div>
      <p class="bad" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="button" onClick={close}>
          {texts.cancel}
        </button>
        <button
          type="button"
          class={asked.isDangerous === true ? 'danger' : 'primary'}
          disabled={isBusy}
          onClick={() => void run()}
        >
          {asked.action}
        </button>
      </div>
    </dialog>
  )
}
