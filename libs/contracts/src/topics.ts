import { type EventName, LlambertError, type Retention, type TaskTopics, type TopicDefinition } from '@llambert/domain';

// The only place where names of topics and groups are built. They are never parsed back.

export const defaultPrefix = 'llambert';

/** What stays of each event's topic. Those that are followed are compacted, each under a key of which the last record tells all. */
const eventRetention: Readonly<Record<EventName, Retention>> = {
  'task.published': 'compact',
  'round.opened': 'keep',
  'round.evaluated': 'keep',
  'round.closed': 'keep',
  'sample.drawn': 'keep',
  'sample.answered': 'keep',
  'model.released': 'keep',
  'deployment.changed': 'compact',
  'pass.opened': 'compact',
  'review.decided': 'keep',
};

const services = ['gateway', 'sampler', 'llm-annotator', 'trainer', 'inference'] as const;

/** Longest name that Kafka takes. */
const maxNameLength = 249;

/** What is wrong with a name of a topic, for people; null: nothing. */
export function topicNameProblem(name: string): string | null {
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return 'may hold only a-z, A-Z, 0-9, ".", "_" and "-", at least one';
  if (name === '.' || name === '..') return 'may not be "." or ".."';
  return name.length > maxNameLength ? `may have at most ${maxNameLength} characters, not ${name.length}` : null;
}

/** Topic of an event: `<prefix>.task.published.v1`. Throws `invalid_input` for a prefix that no topic may have. */
export function topicName(prefix: string, event: EventName): string {
  return joined(prefix, event, 'v1');
}

/** Where a task's documents come from and its predictions go unless its task.yaml says otherwise. */
export function defaultTaskTopics(prefix: string, task: string): TaskTopics {
  return { source: joined(prefix, task, 'documents', 'v1'), predictions: joined(prefix, task, 'prediction.made', 'v1') };
}

/** Where a service's dead letters go. */
export function deadLetterTopic(prefix: string, service: string): string {
  return joined(prefix, service, 'dead-letters', 'v1');
}

/** Group in which the replicas of a service share a topic; `scope` sets apart groups that must not wait for each other: a task's name. */
export function consumerGroup(prefix: string, service: string, scope?: string): string {
  return scope === undefined ? joined(prefix, service) : joined(prefix, service, scope);
}

/** Every topic that is there before any task: all events, and the dead letters of all services. */
export function topicDefinitions(prefix: string, partitions: number): readonly TopicDefinition[] {
  const events = Object.entries(eventRetention) as [EventName, Retention][];
  return [
    ...events.map(([event, retention]) => ({ name: topicName(prefix, event), partitions, retention })),
    ...services.map((service) => ({ name: deadLetterTopic(prefix, service), partitions, retention: 'keep' as const })),
  ];
}

/** The topics of a task. Both stay: a pass may be opened again, a reader may come late. */
export function taskTopicDefinitions(topics: TaskTopics, partitions: number): readonly TopicDefinition[] {
  return [topics.source, topics.predictions].map((name) => ({ name, partitions, retention: 'keep' }));
}

function joined(...parts: readonly string[]): string {
  const name = parts.join('.');
  const problem = parts.includes('') ? 'has an empty part' : topicNameProblem(name);
  if (problem !== null) throw new LlambertError('invalid_input', `the name "${name}" ${problem}`, { facts: { name } });
  return name;
}
