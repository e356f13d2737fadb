/**
 * A consumer in a process of its own, for suites that kill it: copies `in` by `copyRecords` until it is killed.
 *
 *   node worker.ts '{"module": URL, "location": TEXT, "maxBatch": N, "fault": null | "die" | "block"}'
 */
import { readSync, writeSync } from 'node:fs';
import { copyRecords } from './copy-records.ts';
import type { EventLogElsewhere, OpenEventLog } from './harness.ts';

export interface WorkerOptions extends EventLogElsewhere {
  readonly maxBatch: number;
  /**
   * What becomes of its first batch once there are outputs for it and before they are committed. `die`: the process kills itself;
   * `block`: it says `handled` on stdout, then shows no life until it gets a byte on stdin.
   */
  readonly fault: 'die' | 'block' | null;
}

const options = JSON.parse(process.argv[2]!) as WorkerOptions;
const { openEventLog } = (await import(options.module)) as { openEventLog: OpenEventLog };
const { eventLog } = await openEventLog(options.location);
let fault = options.fault;

await eventLog.consume({
  group: 'copy',
  topic: 'in',
  maxBatch: options.maxBatch,
  handle: async (batch) => {
    const outputs = copyRecords(batch);
    if (fault === 'die') process.kill(process.pid, 'SIGKILL');
    if (fault === 'block') {
      fault = null;
      writeSync(1, 'handled\n');
      readSync(0, Buffer.alloc(1));
    }
    return outputs;
  },
}).done;
