export { backoffMs } from './backoff.ts';
export { systemClock } from './clock.ts';
export { consumeEvents, followEvents } from './event-consumer.ts';
export { type JobResult, runJobs } from './jobs.ts';
export { outboxRelay } from './outbox-relay.ts';
export { joinServices, type Service, serviceGroup } from './service.ts';
export { ticker } from './ticker.ts';
