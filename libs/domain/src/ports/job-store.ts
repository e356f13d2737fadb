import type { Event } from '../event.ts';

/** Long work, recorded before it is begun. `payload` is JSON. */
export interface NewJob {
  readonly kind: string;
  /** Unique within the kind, and a function of what is to be done: recording it twice is recording it once. */
  readonly id: string;
  /** Jobs of one kind and scope are counted together; the task's name. */
  readonly scope: string;
  readonly payload: string;
}

/** A job in hand. `token` counts up with every claim: whoever holds an older one has lost the job. */
export interface Lease {
  readonly kind: string;
  readonly id: string;
  readonly scope: string;
  readonly payload: string;
  readonly token: number;
  /** Claims of this job so far, this one included; a release for a later try counts too. */
  readonly attempt: number;
}

export interface JobCounts {
  readonly waiting: number;
  readonly leased: number;
  readonly done: number;
}

/** Leased jobs: at most one owner at a time by the lease, at most one completion by the token. Times in milliseconds since 1970. */
export interface JobStore {
  /** Records jobs; those whose kind and id are known are left as they are, done ones too. */
  enqueue(jobs: readonly NewJob[]): Promise<void>;
  /** Takes up to `limit` jobs that are waiting (and due) or whose lease has run out, in the order of their recording. */
  claim(request: { kind: string; owner: string; limit: number; leaseMs: number; now: number }): Promise<readonly Lease[]>;
  /** Prolongs a lease. Throws `stale_lease` where the job has another owner or is done. */
  heartbeat(lease: Lease, leaseMs: number, now: number): Promise<void>;
  /** Ends a job and puts its events in the outbox, in one transaction. Throws `stale_lease` and changes nothing where it is lost. */
  complete(lease: Lease, events: readonly Event[]): Promise<void>;
  /** Gives a job back, to be claimed from `notBefore` on. Throws `stale_lease` where it is lost. */
  release(lease: Lease, notBefore: number): Promise<void>;
  /**
   * Gives back every job of a kind that an owner holds. For a process that begins under a name which only it can have: what is held
   * under it was in hand when the process of that name died.
   */
  relinquish(kind: string, owner: string): Promise<void>;
  /** When the next waiting job is due or the next lease runs out; null: nothing is left to do. */
  nextDue(kind: string): Promise<number | null>;
  counts(kind: string, scope: string): Promise<JobCounts>;
}
