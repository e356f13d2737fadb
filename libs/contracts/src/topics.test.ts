import { describe, expect, it } from 'vitest';
import { eventNames } from './codec/arbitraries.fixture.ts';
import { consumerGroup, deadLetterTopic, defaultTaskTopics, taskTopicDefinitions, topicDefinitions, topicName } from './topics.ts';

describe('names', () => {
  it('are built one way', () => {
    expect(topicName('llambert', 'task.published')).toBe('llambert.task.published.v1');
    expect(defaultTaskTopics('llambert', 'film-reviews')).toEqual({
      source: 'llambert.film-reviews.documents.v1',
      predictions: 'llambert.film-reviews.prediction.made.v1',
    });
    expect(deadLetterTopic('llambert', 'inference')).toBe('llambert.inference.dead-letters.v1');
    expect(consumerGroup('llambert', 'sampler')).toBe('llambert.sampler');
    expect(consumerGroup('llambert', 'sampler', 'film-reviews')).toBe('llambert.sampler.film-reviews');
  });

  it.each(['', 'a b', 'ä', 'a/b', 'x'.repeat(240)])('refuses the prefix "%s"', (prefix) => {
    expect(() => topicName(prefix, 'deployment.changed')).toThrow(/may|empty/);
  });
});

describe('topicDefinitions', () => {
  it('covers every event and the dead letters of every service, each once', () => {
    const names = topicDefinitions('p', 3).map((topic) => topic.name);
    for (const event of eventNames) expect(names).toContain(topicName('p', event));
    expect(names).toContain('p.llm-annotator.dead-letters.v1');
    expect(new Set(names).size).toBe(names.length);
  });

  it('compacts what is followed and keeps the rest', () => {
    const compacted = topicDefinitions('p', 3).filter((topic) => topic.retention === 'compact');
    expect(compacted.map((topic) => topic.name)).toEqual(['p.task.published.v1', 'p.deployment.changed.v1', 'p.pass.opened.v1']);
    expect(topicDefinitions('p', 3).every((topic) => topic.partitions === 3 && topic.retention !== 'when-read')).toBe(true);
  });

  it('keeps the topics of a task', () => {
    expect(taskTopicDefinitions(defaultTaskTopics('p', 't'), 2)).toEqual([
      { name: 'p.t.documents.v1', partitions: 2, retention: 'keep' },
      { name: 'p.t.prediction.made.v1', partitions: 2, retention: 'keep' },
    ]);
  });
});
