import { LlambertError } from '@llambert/domain';

/**
 * The address as the client wants it. Throws `invalid_input` for anything but a plain http(s) address: credentials and queries in it
 * would end in cache keys, reports and logs. The message repeats the address only where it cannot hold a secret.
 */
export function checkedBaseUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new LlambertError('invalid_input', 'teacher.baseUrl is no http(s) address: write one like https://api.openai.com/v1');
  }
  if (url.username !== '' || url.password !== '') {
    throw new LlambertError(
      'invalid_input',
      'teacher.baseUrl holds a user name or password: put the key in the variable that teacher.apiKeyEnv names',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw new LlambertError('invalid_input', `teacher.baseUrl must end with its path: ${url.origin}${url.pathname}`);
  }
  return url;
}

/**
 * Refuses, with `invalid_input`, keys that no HTTP header can carry: the client's own error for them would quote the key.
 */
export function checkApiKey(apiKey: string | null): void {
  if (apiKey === null || /^[\x21-\x7e]+$/.test(apiKey)) return;
  const problem = apiKey.trim() === '' ? 'is empty' : 'holds white space or characters outside ASCII (a line break at its end?)';
  throw new LlambertError('invalid_input', `the teacher's key ${problem}: look at the variable that teacher.apiKeyEnv names`);
}
