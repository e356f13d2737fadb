import type { DeploymentChanged, Event, EventName, EventTypes, LogRecord, PassOpened } from '@llambert/domain';
import { DeploymentChanged as WireDeployment } from '../generated/llambert/deployment/v1/deployment.ts';
import { PassKind, PassOpened as WirePass } from '../generated/llambert/pass/v1/pass.ts';
import { answerCodec } from './answer.ts';
import { type Codec, decodeRecord, encodeRecord, messageCodec, type RecordContext } from './codec.ts';
import { enumeration } from './fields.ts';
import { modelReleasedCodec } from './model.ts';
import { roundEvaluationCodec, roundOpenedCodec, roundsClosedCodec } from './round.ts';
import { goldCodec, sampleCodec } from './sample.ts';
import { taskCodec } from './task.ts';

const passKinds = enumeration<PassOpened['kind'], PassKind>({ live: PassKind.PASS_KIND_LIVE });

const eventCodecs: { readonly [Name in EventName]: Codec<EventTypes[Name]> } = {
  'task.published': taskCodec,
  'round.opened': roundOpenedCodec,
  'round.evaluated': roundEvaluationCodec,
  'round.closed': roundsClosedCodec,
  'sample.drawn': sampleCodec,
  'sample.answered': answerCodec,
  'model.released': modelReleasedCodec,
  'deployment.changed': messageCodec<WireDeployment, DeploymentChanged>('llambert.deployment.v1.DeploymentChanged', WireDeployment, {
    toWire: (change) => change,
    fromWire: (wire) => wire,
  }),
  'pass.opened': messageCodec<WirePass, PassOpened>('llambert.pass.v1.PassOpened', WirePass, {
    toWire: (pass) => ({ ...pass, kind: passKinds.toWire(pass.kind) }),
    fromWire: (wire) => ({ ...wire, kind: passKinds.fromWire('kind', wire.kind) }),
  }),
  'review.decided': goldCodec,
};

/** An event as a record of its topic, under its key and with its id as the `event-id` header. */
export function encodeEvent(event: Event, context?: RecordContext): LogRecord {
  const codec = eventCodecs[event.name] as Codec<Event['body']>;
  return encodeRecord(codec, event.key, event.body, context, { 'event-id': event.id });
}

/** The body of an event from a record of its topic. Throws `invalid_input`, naming the field. */
export function decodeEvent<Name extends EventName>(name: Name, record: Pick<LogRecord, 'value' | 'headers'>): EventTypes[Name] {
  return decodeRecord(eventCodecs[name], record);
}
