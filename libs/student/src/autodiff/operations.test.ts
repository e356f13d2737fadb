import { describe, expect, it } from 'vitest';
import type { Value } from '../onnx/graph.ts';
import { floats, floatsOf, openSession } from '../onnx/session.ts';
import { uniformNumbers } from '../random.ts';
import {
  add,
  attend,
  exp,
  firstRows,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  matMul,
  multiply,
  reshape,
  scale,
  softplus,
  sum,
  sumAlong,
  transpose,
} from './operations.ts';
import { Tape } from './tape.ts';

type Operation = (tape: Tape, inputs: readonly Value[]) => Value;

/** Every third is 0, the others 1.5. */
function someDropped(tape: Tape, shape: readonly number[]): Value {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, at) => (at % 3 === 0 ? 0 : 1.5));
  return tape.constant('float', shape, new Uint8Array(values.buffer));
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Every operation with the shapes of its inputs; each input's gradient is checked. */
const cases: readonly [name: string, shapes: readonly (readonly number[])[], operation: Operation][] = [
  ['linear', [[3, 4], [5, 4], [5]], (tape, [x, w, b]) => linear(tape, x!, w!, b!)],
  [
    'matMul of matrices',
    [
      [3, 4],
      [4, 2],
    ],
    (tape, [x, y]) => matMul(tape, x!, y!),
  ],
  [
    'matMul of stacks',
    [
      [2, 3, 4, 5],
      [2, 3, 5, 2],
    ],
    (tape, [x, y]) => matMul(tape, x!, y!),
  ],
  ['transpose', [[2, 3, 4]], (tape, [x]) => transpose(tape, x!, [2, 0, 1])],
  ['reshape', [[2, 6]], (tape, [x]) => reshape(tape, x!, [3, 4])],
  ['firstRows', [[5, 3]], (tape, [x]) => firstRows(tape, x!, 2)],
  ['firstRows of a vector', [[5]], (tape, [x]) => firstRows(tape, x!, 2)],
  [
    'add',
    [
      [2, 3],
      [2, 3],
    ],
    (tape, [x, y]) => add(tape, x!, y!),
  ],
  ['add of a repeated row', [[4, 3], [3]], (tape, [x, y]) => add(tape, x!, y!)],
  [
    'add repeated inside and in front',
    [
      [2, 4, 3],
      [4, 1],
    ],
    (tape, [x, y]) => add(tape, x!, y!),
  ],
  ['add of a value to itself', [[2, 3]], (tape, [x]) => add(tape, x!, x!)],
  [
    'multiply',
    [
      [2, 3],
      [2, 3],
    ],
    (tape, [x, y]) => multiply(tape, x!, y!),
  ],
  [
    'multiply repeated',
    [
      [2, 3, 4],
      [2, 3, 1],
    ],
    (tape, [x, y]) => multiply(tape, x!, y!),
  ],
  ['scale', [[2, 3]], (tape, [x]) => scale(tape, x!, -1.7)],
  ['sumAlong', [[3, 4, 2]], (tape, [x]) => sumAlong(tape, x!, 1)],
  ['sum', [[3, 4]], (tape, [x]) => sum(tape, x!)],
  [
    'attend',
    [
      [2, 2, 3, 4],
      [2, 2, 4, 3],
    ],
    (tape, [x, y]) => attend(tape, x!, null, y!),
  ],
  [
    'attend with some shares dropped',
    [
      [2, 2, 3, 4],
      [2, 2, 4, 3],
    ],
    (tape, [x, y]) => attend(tape, x!, someDropped(tape, [2, 2, 3, 4]), y!),
  ],
  ['logSoftmax', [[3, 5]], (tape, [x]) => logSoftmax(tape, x!)],
  ['exp', [[3, 2]], (tape, [x]) => exp(tape, x!)],
  ['softplus', [[3, 2]], (tape, [x]) => softplus(tape, x!)],
  ['gelu', [[4, 3]], (tape, [x]) => gelu(tape, x!)],
  ['layerNorm', [[4, 6], [6], [6]], (tape, [x, w, b]) => layerNorm(tape, x!, w!, b!, 1e-5)],
  ['a value used twice', [[3, 3]], (tape, [x]) => multiply(tape, gelu(tape, x!), exp(tape, x!))],
];

/** The operation's output weighted and summed: evaluated outside the graph in double precision, differentiated inside it. */
async function prepare(shapes: readonly (readonly number[])[], operation: Operation) {
  const tape = new Tape();
  const inputs = shapes.map((shape, index) => tape.input(`input ${index}`, 'float', shape));
  const output = operation(tape, inputs);
  const shape = output.shape as readonly number[];
  const loss = sum(tape, multiply(tape, output, tape.input('weights', 'float', shape)));
  const gradients = tape.gradients(loss, inputs);
  // An output that is an input's own name or one value twice cannot be given out under two names: a scaling apart.
  gradients.forEach((gradient, index) => {
    tape.output(`gradient ${index}`, scale(tape, gradient, 1));
  });
  tape.output('output', scale(tape, output, 1));
  const session = await openSession(tape.toBytes(), { threads: 1 });
  const uniform = uniformNumbers(7);
  const values = (length: number) => Float32Array.from({ length }, () => 3 * uniform() - 1.5);
  const weights = values(sizeOf(shape));
  const points = shapes.map((each) => values(sizeOf(each)));
  const run = async (at: readonly Float32Array[]) => {
    const feeds = at.map((point, index) => [`input ${index}`, floats(point, shapes[index]!)] as const);
    return session.run({ ...Object.fromEntries(feeds), weights: floats(weights, shape) });
  };
  const lossAt = async (at: readonly Float32Array[]) =>
    floatsOf((await run(at))['output']!).reduce((total, value, index) => total + value * weights[index]!, 0);
  return { points, run, lossAt };
}

describe('the operations', () => {
  it.each(cases)('%s has the gradient of finite differences', async (_, shapes, operation) => {
    const { points, run, lossAt } = await prepare(shapes, operation);
    const outputs = await run(points);
    // Central differences of fourth order: error h⁴, so that h may be large against float32's rounding.
    const h = 2 ** -4;
    for (const [input, point] of points.entries()) {
      const gradient = floatsOf(outputs[`gradient ${input}`]!);
      expect(gradient).toHaveLength(point.length);
      for (let element = 0; element < point.length; element++) {
        const moved = (by: number) => lossAt(points.with(input, point.with(element, point[element]! + by)));
        const slope = (8 * ((await moved(h)) - (await moved(-h))) - ((await moved(2 * h)) - (await moved(-2 * h)))) / (12 * h);
        expect(Math.abs(gradient[element]! - slope)).toBeLessThan(2e-4 * Math.max(1, Math.abs(slope)));
      }
    }
  });

  it('has a canary: a wrong gradient is found', async () => {
    const wrong: Operation = (tape, [x]) => tape.record(tape.node('Exp', [x!], x!.shape), [x!, (dy) => dy]);
    const { points, run, lossAt } = await prepare([[2]], wrong);
    const gradient = floatsOf((await run(points))['gradient 0']!);
    const h = 2 ** -4;
    const up = points[0]!.with(0, points[0]![0]! + h);
    const down = points[0]!.with(0, points[0]![0]! - h);
    expect(Math.abs(gradient[0]! - ((await lossAt([up])) - (await lossAt([down]))) / (2 * h))).toBeGreaterThan(0.01);
  });

  it('refuses the gradient of what the loss does not depend on', () => {
    const tape = new Tape();
    const x = tape.input('x', 'float', [2]);
    const other = tape.input('other', 'float', [2]);
    expect(() => tape.gradients(sum(tape, x), [other])).toThrow('does not depend on other');
  });
});
