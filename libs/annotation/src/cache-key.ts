import { canonicalJson, digestOf, type TeacherRequest } from '@llambert/domain';

/** Under which an answer is kept: everything that decides it. The request names its model. */
export function cacheKey(endpoint: string, request: TeacherRequest): string {
  return digestOf('teacher-answer.v1', endpoint, canonicalJson(request));
}
