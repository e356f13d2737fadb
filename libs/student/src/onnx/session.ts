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
  return typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options);
}

/** A float tensor over the values' own memory: nothing is copied. */
export function floats(values: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', values, shape);
}

export function int32s(values: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int32', values, shape);
}

/** The values of a float output, which no later run overwrites. */
export function floatsOf(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
