export { type ModelList, type OpenAiTeacher, type OpenAiTeacherOptions, openAiTeacher } from './teacher.ts';
