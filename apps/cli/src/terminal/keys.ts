import { on } from 'node:events';
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';

export interface Key {
  /** What was typed, as text; '' for keys that are none. */
  readonly text: string;
  /** `return`, `space`, `backspace`, `a` …; '' where the key has no name. */
  readonly name: string;
  readonly ctrl: boolean;
}

/** The keys that a person presses, one by one; ends with the terminal or the signal. The terminal is left as it was. */
export async function* pressedKeys(terminal: ReadStream, signal: AbortSignal): AsyncGenerator<Key> {
  emitKeypressEvents(terminal);
  const presses = on(terminal, 'keypress', { signal, close: ['end', 'close'] });
  const wasRaw = terminal.isRaw;
  terminal.setRawMode(true);
  terminal.resume();
  try {
    for await (const [text, key] of presses as AsyncIterable<[string | undefined, { name?: string; ctrl?: boolean }]>) {
      yield { text: text ?? '', name: key.name ?? '', ctrl: key.ctrl === true };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    terminal.setRawMode(wasRaw);
    terminal.pause();
  }
}
