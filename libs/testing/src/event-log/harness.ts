import type { EventLog } from '@llambert/domain';

export interface OpenedEventLog {
  readonly eventLog: EventLog;
  /** After all consumers and followers were stopped. */
  close(): Promise<void>;
}

/** How another process opens the log: `module` (a URL) exports `openEventLog`, which takes `location`. */
export interface EventLogElsewhere {
  readonly module: string;
  readonly location: string;
}

export type OpenEventLog = (location: string) => Promise<OpenedEventLog>;

/** An event log that a test has for itself. A member of a group that shows no life should lose its partitions within some seconds. */
export interface EventLogHarness {
  /** Another connection to the log, as another process would have. */
  open(): Promise<OpenedEventLog>;
  readonly elsewhere: EventLogElsewhere;
  /** Closes what is open and removes the log. */
  destroy(): Promise<void>;
}
