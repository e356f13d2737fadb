export { deadLetterRecord, decodeDeadLetter, encodeDeadLetter } from './codec/dead-letter.ts';
export { decodeDocument, encodeDocument, usableDocument } from './codec/document.ts';
export { decodeEvent, encodeEvent } from './codec/event.ts';
export { decodePrediction, encodePrediction } from './codec/prediction.ts';
export { parseTaskYaml } from './task-yaml/parse-task-yaml.ts';
export { renderTaskYaml } from './task-yaml/render-task-yaml.ts';
export type { TaskDraft } from './task-yaml/schema.ts';
export {
  consumerGroup,
  deadLetterTopic,
  defaultPrefix,
  defaultTaskTopics,
  taskTopicDefinitions,
  topicDefinitions,
  topicName,
} from './topics.ts';
