export { type OpenAiTeacher, openAiTeacher } from './teacher.ts';
