import { LlambertError } from '@llambert/domain';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/** The threads that a session may compute with. Its `run` blocks the event loop meanwhile, so it belongs into a worker thread. */
export interface SessionSettings {
  readonly threads: number;
}

/**
 * A session with the graph's model. Plans of memory by shape are off: lengths vary from run to run, and a plan for each of them is kept for good.
 * @param model bytes, or the path of a file that names others beside it
 */
export function openSession(model: Uint8Array | string, { threads }: SessionSettings): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableMemPattern: false,
    // Threads that wait do so asleep: on a machine with other work they would take its cores for nothing.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    // Warnings are about shapes that the inputs decide; errors are thrown.
    logSeverityLevel: 3,
  };
  // The two overloads of create take no union.
  return stoppable(typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options));
}

let stopFlag: Int32Array | null = null;

/**
 * From now on no run begins in this thread once the flag (shared, one element) is not 0: it throws `cancelled` instead. A thread must not be
 * terminated from outside while onnxruntime runs in it, for that takes the whole process down.
 */
export function stopRunsAt(flag: Int32Array): void {
  stopFlag = flag;
}

async function stoppable(opening: Promise<InferenceSession>): Promise<InferenceSession> {
  const session = await opening;
  const run = session.run.bind(session);
  session.run = async (feeds: InferenceSession.FeedsType, ...more: never[]) => {
    if (stopFlag !== null && Atomics.load(stopFlag, 0) !== 0) throw new LlambertError('cancelled', 'stopped on request');
    return run(feeds, ...more);
  };
  return session;
}

/** A float tensor over the values' own memory: nothing is copied. */
export function floats(values: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', values, shape);
}

export function int32s(values: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int32', values, shape);
}

/** The values of a float output: a copy that onnxruntime made for us, which no later run overwrites. */
export function floatsOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}

/** Gives an output's memory back at once. The garbage collector, which hardly knows of it, would let those of several runs gather. */
export function giveBack(values: Float32Array): void {
  (values.buffer as ArrayBuffer).transfer(0);
}
