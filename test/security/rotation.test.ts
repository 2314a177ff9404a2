import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { ENV } from '../../functions/settings.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { NODE, startCommand } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { type PlannedFault, startSystem } from '../support/system.ts';

// Without the schedule: what ends here was ended by its callback alone. Only `submit` reads its secrets for every
// generation: `callback` keeps what it has read for longer than this test takes.
const system = await startSystem({
  schedule: false,
  maximumEnvironments: 1,
  endpointOverrides: (name, told) =>
    name === 'submit' ? { [ENV.durations]: withFreshSecrets(told[ENV.durations]) } : {},
});
const { endpoints } = system.environment;

function withFreshSecrets(durations = '{}'): string {
  return JSON.stringify({ ...JSON.parse(durations), secrets: 0 });
}

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

/** The end of the task of a generation, whose callback was lost on the way; where it was to be sent. */
async function endedTaskOf(id: string): Promise<string> {
  const task = await eventually('the end of the task', () => {
    const [made] = system.tasksOf(id);
    return made?.isOver && made;
  });
  await system.environment.idle();
  expect(await system.read(id)).toMatchObject({ status: 'running' });
  return task.callbackUrl;
}

const lost: PlannedFault = { operation: 'callback', fault: { kind: 'lost' } };

const callBack = (url: string) => fetch(url, { method: 'POST', body: '{}' });

const signature = (id: string, secret: string) =>
  createHmac('sha256', secret).update(`local/${id}/1`).digest('hex');

async function rotate(...flags: readonly string[]) {
  const command = await startCommand(
    [...NODE, 'infra/setup/setup.ts', '--path', endpoints.parameterPath, '--rotate', ...flags],
    {
      env: {
        AWS_ENDPOINT_URL: endpoints.ssm,
        AWS_REGION: endpoints.region,
        AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      },
    },
  );
  return command.ended;
}

it('loses no callback over a rotation, of before it or of after it', async () => {
  const first = await system.parameter('callback-secret');
  const before = await submitted(lost);
  const urlOfBefore = await endedTaskOf(before);
  // A function that will not know of the rotation by itself: it has just read its secrets.
  expect((await callBack(urlOfBefore.replace(before, 'a'.repeat(26)))).status).toBe(403);

  const { code, stdout, stderr } = await rotate();

  const second = await system.parameter('callback-secret');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Under /wiro/local: the callback secret is replaced');
  expect([stdout.includes(first), stdout.includes(second), second === first]).toEqual([false, false, false]);

  const after = await submitted(lost);
  const urlOfAfter = await endedTaskOf(after);
  expect([urlOfBefore, urlOfAfter].map((url) => url.split('/').at(-1))).toEqual([
    signature(before, first),
    signature(after, second),
  ]);
  const answers = [await callBack(urlOfAfter), await callBack(urlOfBefore)];

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  for (const id of [before, after])
    expect(await system.ended(id)).toMatchObject({ status: 'succeeded', outputs: [{ name: '0.png' }] });
});

it('refuses to rotate again while callbacks signed with the previous secret may come', async () => {
  const secret = await system.parameter('callback-secret');

  const [{ code, stdout, stderr }, keyOnly] = await Promise.all([rotate(), rotate('--key-only')]);

  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(keyOnly).toEqual({
    code: 1,
    stdout: '',
    stderr: '--rotate only replaces the callback secret: omit --key-only.\n',
  });
  expect(stderr).toMatch(/^The callback secret was rotated at .*--force/s);
  expect(await system.parameter('callback-secret')).toBe(secret);
});
