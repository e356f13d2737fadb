import type { Answer } from './annotation.ts';
import type { Gold } from './gold.ts';
import type { ModelManifest } from './model.ts';
import type { RoundEvaluation, RoundsEnd } from './round.ts';
import type { Sample } from './sample.ts';
import type { Task } from './task.ts';

/** A round begins: its samples follow. */
export interface RoundOpened {
  readonly task: string;
  readonly round: number;
  readonly samples: number;
  /** When training may start with a quorum of answers, in milliseconds since 1970. */
  readonly deadline: number;
  readonly quorum: number;
}

export interface RoundsClosed {
  readonly task: string;
  /** How many rounds there were: whoever hears of the end knows which evaluations it must have heard of. */
  readonly rounds: number;
  readonly end: RoundsEnd;
}

export interface ModelReleased {
  readonly task: string;
  readonly digest: string;
  readonly manifest: ModelManifest;
}

/** Which model answers for a task from now on. */
export interface DeploymentChanged {
  readonly task: string;
  readonly model: string;
}

/** One labelling of a source from its earliest record on. `live` follows the deployment. Holds all that whoever labels must know. */
export interface PassOpened {
  readonly task: string;
  readonly pass: string;
  readonly kind: 'live';
  /** The topic that is labelled. */
  readonly source: string;
  /** The topic that the predictions go to. */
  readonly predictions: string;
}

/** Everything that happens, by the name of its topic. */
export interface EventTypes {
  'task.published': Task;
  'round.opened': RoundOpened;
  'round.evaluated': RoundEvaluation;
  'round.closed': RoundsClosed;
  'sample.drawn': Sample;
  'sample.answered': Answer;
  'model.released': ModelReleased;
  'deployment.changed': DeploymentChanged;
  'pass.opened': PassOpened;
  'review.decided': Gold;
}

export type EventName = keyof EventTypes;

/** An event on its way out: `id` is a function of what happened, so that saying it twice is saying it once. */
export type Event = {
  [Name in EventName]: { readonly id: string; readonly name: Name; readonly key: string; readonly body: EventTypes[Name] };
}[EventName];
