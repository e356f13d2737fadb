/**
 * Every error a part of LlamBERT throws on purpose. An edge (command line, gRPC, HTTP) maps `code` exhaustively; nothing reads
 * the prose. `fault` says who can mend it: `input` (the user, by changing what was given), `environment` (something outside is
 * away or full and may come back), `internal` (us).
 */
export type ErrorCode =
  | 'invalid_input'
  | 'invalid_task'
  | 'not_found'
  | 'conflict'
  | 'busy'
  | 'budget_exhausted'
  | 'teacher_unreachable'
  | 'teacher_refused_credentials'
  | 'teacher_unusable'
  | 'hub_unreachable'
  | 'hub_refused_credentials'
  | 'store_unavailable'
  | 'disk_full'
  | 'stale_lease'
  | 'corrupt_artifact'
  | 'cancelled'
  | 'internal';

const retryableCodes: ReadonlySet<ErrorCode> = new Set(['busy', 'teacher_unreachable', 'hub_unreachable', 'store_unavailable']);

/** Facts that help to find the fault, for machines: file, line, field, id. Never a document's text, never a secret. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

export class LlambertError extends Error {
  override readonly name = 'LlambertError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  /** @param message what is wrong, where, and what to do about it */
  constructor(code: ErrorCode, message: string, options: { facts?: ErrorFacts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  /** Whether the same call can succeed later without anybody changing anything. */
  get retryable(): boolean {
    return retryableCodes.has(this.code);
  }
}

/** The error as a LlambertError: itself, or `internal` (or `disk_full` for ENOSPC) around it. */
export function toLlambertError(error: unknown): LlambertError {
  if (error instanceof LlambertError) return error;
  const systemCode = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT' || /database or disk is full/.test(message)) {
    return new LlambertError('disk_full', `the disk is full: ${message}. Free some space and run the same command again`, { cause: error });
  }
  if (error instanceof Error && error.name === 'AbortError') return new LlambertError('cancelled', 'stopped on request', { cause: error });
  return new LlambertError('internal', message, { cause: error });
}

/** An error as it is sent from one thread to another: cloning would keep of a LlambertError neither its code nor its facts. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: ErrorFacts;
  /** What caused it, and what caused that, with where they were thrown; null: nothing is known to have. */
  readonly cause: string | null;
}

/** Any error in the form that threads send. */
export function sentError(error: unknown): SentError {
  const { code, message, facts, cause } = toLlambertError(error);
  return { code, message, facts, cause: cause === undefined ? null : causeText(cause) };
}

/** The error that another thread sent. */
export function receivedError({ code, message, facts, cause }: SentError): LlambertError {
  return new LlambertError(code, message, { facts, cause: cause ?? undefined });
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const own = cause.stack ?? `${cause.name}: ${cause.message}`;
  return cause.cause === undefined ? own : `${own}\ncaused by ${causeText(cause.cause)}`;
}
