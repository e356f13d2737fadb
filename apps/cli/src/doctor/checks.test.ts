import { parseTaskYaml } from '@llambert/contracts';
import type { Task } from '@llambert/domain';
import { customerMessageRules, type StandinOptions, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from './finding.ts';
import { machineFindings, memoryFinding, nodeFinding } from './machine-checks.ts';
import { teacherFindings } from './teacher-checks.ts';

const servers: StandinTeacher[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function teacherOf(options: Partial<StandinOptions> = {}): Promise<StandinTeacher> {
  const server = await startStandinTeacher({ annotator: customerMessageRules, ...options });
  servers.push(server);
  return server;
}

function taskAt(baseUrl: string, teacher = ''): Task {
  const text = `task: t\ndescription: What?\nlabels: [delivery, refund]\nteacher: {model: standin-rules, baseUrl: ${baseUrl}${teacher}}\n`;
  return parseTaskYaml(text, { fileName: 'task.yaml' }).task;
}

const look = (task: Task, options: { ask?: boolean; environment?: Record<string, string> } = {}) =>
  teacherFindings({ task, environment: options.environment ?? {}, ask: options.ask ?? false, signal: new AbortController().signal });
const states = (findings: readonly Finding[]) => Object.fromEntries(findings.map(({ check, state }) => [check, state]));

describe('machineFindings', () => {
  it('finds this machine fit for tests', () => {
    expect(states(machineFindings(process.cwd()))).toMatchObject({ node: 'ok', cores: 'ok', temp: 'ok' });
    expect(states(machineFindings('/no/such/folder'))).toMatchObject({ disk: 'fail' });
  });

  it('knows what is too little', () => {
    expect(nodeFinding('22.9.0')).toMatchObject({ state: 'fail', advice: expect.any(String) });
    expect(memoryFinding(5e8)).toMatchObject({ state: 'warn', advice: expect.any(String) });
  });
});

describe('teacherFindings', () => {
  it('pays nothing unless asked to', async () => {
    const teacher = await teacherOf();
    expect(states(await look(taskAt(teacher.baseUrl)))).toEqual({ key: 'ok', teacher: 'ok', model: 'ok' });
    expect(teacher.ledger().billed.calls).toBe(0);
    expect(states(await look(taskAt(teacher.baseUrl), { ask: true }))).toMatchObject({ structure: 'ok', logprobs: 'ok', usage: 'ok' });
    expect(teacher.ledger().billed.calls).toBe(1);
  });

  it('finds out what a lesser server cannot', async () => {
    const teacher = await teacherOf({ capabilities: { structured: false, logprobs: false }, faults: { 'missing-usage': { first: 9 } } });
    expect(states(await look(taskAt(teacher.baseUrl), { ask: true }))).toMatchObject({
      structure: 'warn',
      logprobs: 'warn',
      usage: 'warn',
    });
  });

  it('tells a key that is not set from one that is refused, and repeats neither', async () => {
    const teacher = await teacherOf({ apiKey: 'right-key' });
    const task = taskAt(teacher.baseUrl, ', apiKeyEnv: MY_KEY');
    const unset = await look(task);
    expect(unset).toMatchObject([{ check: 'key', state: 'fail' }]);
    expect(unset[0]).not.toHaveProperty('isAway', true);
    const refused = await look(task, { environment: { MY_KEY: 'wrong-key' } });
    expect(refused).toMatchObject([{ state: 'ok' }, { check: 'teacher', state: 'fail', isAway: true }]);
    const broken = await look(task, { environment: { MY_KEY: 'wrong-key\n' } });
    expect(states(broken)).toEqual({ key: 'fail' });
    expect(JSON.stringify([unset, refused, broken])).not.toContain('wrong-key');
  });

  it('says that a server is away, and that a model is not listed', async () => {
    const teacher = await teacherOf();
    const other = taskAt(teacher.baseUrl.replace(/\/v1$/, '/v2'));
    expect(states(await look(other))).toEqual({ key: 'ok', teacher: 'warn' });
    const model = { ...taskAt(teacher.baseUrl) };
    const renamed = { ...model, settings: { ...model.settings, teacher: { ...model.settings.teacher, model: 'none-such' } } };
    expect(states(await look(renamed))).toMatchObject({ model: 'warn' });
    await teacher.close();
    expect(await look(taskAt(teacher.baseUrl))).toMatchObject([{ state: 'ok' }, { state: 'fail', isAway: true }]);
  });
});
