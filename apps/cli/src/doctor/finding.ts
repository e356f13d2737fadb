/** What a check found. `advice` says what to do about it. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly advice?: string;
  /** Of a failure: whether something outside is away, rather than set up wrongly. */
  readonly isAway?: boolean;
}
