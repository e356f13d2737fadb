import type { LogRecord, Prediction } from '@llambert/domain';
import { Route, Prediction as Wire } from '../generated/llambert/prediction/v1/prediction.ts';
import { decodeRecord, encodeRecord, messageCodec, type RecordContext } from './codec.ts';
import { enumeration, share, shares } from './fields.ts';

const routes = enumeration<Prediction['route'], Route>({ auto: Route.ROUTE_AUTO, review: Route.ROUTE_REVIEW });

const predictionCodec = messageCodec<Wire, Prediction>('llambert.prediction.v1.Prediction', Wire, {
  toWire: (prediction) => ({
    task: prediction.task,
    pass: prediction.pass,
    documentId: prediction.documentId,
    labels: prediction.labels as string[],
    probability: prediction.probability,
    probabilities: prediction.probabilities as number[],
    route: routes.toWire(prediction.route),
    truncated: prediction.truncated,
    model: prediction.model,
  }),
  fromWire: (wire) => ({
    task: wire.task,
    pass: wire.pass,
    documentId: wire.documentId,
    labels: wire.labels,
    probability: share('probability', wire.probability),
    probabilities: shares('probabilities', wire.probabilities),
    route: routes.fromWire('route', wire.route),
    truncated: wire.truncated,
    model: wire.model,
  }),
});

/** A prediction as a record, keyed by its document's id. */
export function encodePrediction(prediction: Prediction, context?: RecordContext): LogRecord {
  return encodeRecord(predictionCodec, prediction.documentId, prediction, context);
}

/** Throws `invalid_input` for what is no prediction. */
export function decodePrediction(record: Pick<LogRecord, 'value' | 'headers'>): Prediction {
  return decodeRecord(predictionCodec, record);
}
