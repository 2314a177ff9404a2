import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LocalDeployment, StackDeployment } from '../../../cli/deployment.ts';
import { createAws } from '../../../cli/doctor/calls.ts';
import { AwsRefusal, type Finding, ok, runChecks } from '../../../cli/doctor/finding.ts';
import { describeFindings, examine } from '../../../cli/doctor/run-doctor.ts';

type Answer = readonly [status: number, body: string | object] | 'never';

/** The API, callback, Wiro, S3 and AWS of one deployment, on one real server. */
let server: Server;
let url = '';
let answers: Map<string, Answer>;
/** What reached it, as `METHOD key`. */
let seen: string[];

const SECRET = 'a-secret-that-nobody-may-see';

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => reply(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answers = new Map<string, Answer>([
    ['/generations?limit=1', [200, { generations: [] }]],
    ['/generations?status=succeeded&limit=1', [200, { generations: [{ id: 'g1' }] }]],
    ['/generations/g1', [200, { outputs: [{ url: `${url}/output?X-Amz-Signature=${SECRET}` }] }]],
    ['/output', [206, 'x']],
    ['/models?limit=1', [200, { models: [] }]],
    ['/uploads', [201, { url: `${url}/put?X-Amz-Signature=${SECRET}`, headers: { 'content-length': '57' } }]],
    ['/put', [200, '']],
    ['/wiro/Task/List', [200, { result: true, errors: [] }]],
    ['POST /callback', [403, 'forged']],
    ['GET /callback', [405, 'POST only']],
    ['POST /proxy', [403, 'forged']],
    ['GET /proxy', [405, 'POST only']],
    [
      '/configuration',
      [
        200,
        {
          Description: 'The API. (wiro-serverless 0.1.0)',
          LastModified: '2026-11-29T01:00',
          Environment: { Variables: environment() },
        },
      ],
    ],
    ['/2021-10-31', [200, { FunctionUrl: `${url}/callback/` }]],
    ['/account-settings', [200, { AccountLimit: { ConcurrentExecutions: 1_000 } }]],
    ['AmazonSSM.GetParameters', [200, { Parameters: parameters() }]],
    [
      'GraniteServiceVersion20100801.DescribeAlarms',
      [200, { MetricAlarms: [{ AlarmName: 'Failures', AlarmActions: ['arn:aws:sns:eu:1:ops'] }] }],
    ],
    ['/aws/sns', [200, '<SubscriptionArn>arn:aws:sns:eu:1:ops:1</SubscriptionArn>']],
    [
      '?notification',
      [
        200,
        '<CloudFunctionConfiguration><CloudFunction>arn:aws:lambda:eu:1:function:Submit</CloudFunction><Value>requests/</Value></CloudFunctionConfiguration>',
      ],
    ],
  ]);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const environment = () => ({
  DEPLOYMENT: 'Shop',
  PARAMETER_PATH: '/wiro/Shop',
  WIRO_SOCKET_URL: 'wss://socket.example',
  WIRO_API_URL: `${url}/wiro`,
  INPUT_BUCKET: 'inputs',
  SUBMIT_FUNCTION: 'Submit',
});

const parameters = (changes: Readonly<Record<string, string | undefined>> = {}) =>
  Object.entries({
    'api-key': SECRET,
    'api-secret': SECRET,
    'callback-secret': SECRET,
    'callback-base-url': `${url}/proxy`,
    'callback-function': 'Callback',
    ...changes,
  }).flatMap(([name, Value]) => (Value === undefined ? [] : [{ Name: `/wiro/Shop/${name}`, Value }]));

function reply(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url: path = '', headers } = request;
  const target = String(headers['x-amz-target'] ?? '');
  const key = [...answers.keys()]
    .filter(
      (one) =>
        one === target ||
        `${method} ${path}`.startsWith(one) ||
        path === one ||
        (one !== '/' && path.includes(one)),
    )
    .sort((one, other) => other.length - one.length)[0];
  seen.push(`${method} ${key}`);
  const answer = answers.get(key ?? '') ?? [404, ''];
  request.resume();
  if (answer === 'never') return;
  const [status, body] = answer;
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function diagnose(checkMs = 5_000): Promise<ReadonlyMap<string, Finding>> {
  const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'x' });
  const deployment: StackDeployment = {
    kind: 'stack',
    url,
    region: 'eu-central-1',
    title: 'the stack Shop',
    identity: 'stack Shop',
    stack: 'Shop',
    account: '123456789012',
    outputs: {},
    credentials,
  };
  const findings = await examine(
    deployment,
    {
      version: '1.0.0',
      setup: 'setup',
      aws: createAws({ region: 'eu-central-1', credentials, endpoint: (service) => `${url}/aws/${service}` }),
      list: async () => ({
        status: 'CREATE_COMPLETE',
        resources: [
          { ResourceType: 'AWS::Lambda::Function', PhysicalResourceId: 'Api' },
          { ResourceType: 'AWS::CloudWatch::Alarm', PhysicalResourceId: 'Failures' },
        ],
      }),
    },
    { checkMs },
  );
  // Whatever happens, no secret and no signature is told.
  expect(JSON.stringify(findings)).not.toContain(SECRET);
  expect(describeFindings(findings)).not.toMatch(/X-Amz-Signature/);
  return new Map(findings.map((finding) => [finding.check, finding]));
}

const wrongOnes = (findings: ReadonlyMap<string, Finding>) =>
  [...findings.values()].filter(({ status }) => status === 'wrong').map(({ check }) => check);

describe('a stack', () => {
  it('has nothing wrong', async () => {
    const findings = await diagnose();

    expect([...findings.values()].filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual([
      'balance',
    ]);
  });

  it.each<[string, string, Answer]>([
    ['api', '/generations?limit=1', [404, '']],
    ['wiro', '/models?limit=1', [503, { error: { code: 'not_configured', message: 'x' } }]],
    ['wiro key', '/wiro/Task/List', [401, '']],
    ['upload', '/put', [403, '<Code>AccessDenied</Code>']],
    ['output link', '/output', [403, `<Code>AccessDenied</Code>${SECRET}`]],
    ['callback', 'POST /callback', [403, '{"Message":"Forbidden"}']],
    ['callback proxy', 'GET /proxy', [403, 'forged']],
    ['concurrency', '/account-settings', [200, { AccountLimit: { ConcurrentExecutions: 10 } }]],
    ['alarms', '/aws/sns', [200, '<SubscriptionArn>PendingConfirmation</SubscriptionArn>']],
    ['notifications', '?notification', [200, '<NotificationConfiguration/>']],
  ])('has a fault that only the check "%s" finds', async (check, key, answer) => {
    answers.set(key, answer);

    const findings = await diagnose();

    expect(wrongOnes(findings)).toEqual([check]);
    expect(findings.get(check)?.remedy).toBeTruthy();
  });

  it('lacks its secrets, which are then not tried', async () => {
    answers.set('AmazonSSM.GetParameters', [200, { Parameters: parameters({ 'api-key': undefined }) }]);

    const findings = await diagnose();

    expect(wrongOnes(findings)).toEqual(['secrets']);
    expect(findings.get('wiro key')?.status).toBe('unchecked');
    expect(seen).not.toContain('POST /wiro/Task/List');
  });

  it('is not all open to these credentials', async () => {
    answers.set('/account-settings', [403, { __type: 'AccessDeniedException' }]);

    expect((await diagnose()).get('concurrency')).toMatchObject({
      status: 'unchecked',
      remedy: expect.stringContaining('lambda:GetAccountSettings'),
    });
  });

  it('has an endpoint that never answers: a finding, while the others end', async () => {
    answers.set('POST /proxy', 'never');

    const findings = await diagnose(1_000);

    expect(wrongOnes(findings)).toEqual(['callback proxy']);
    expect(findings.get('callback proxy')?.message).toContain('no answer within 1 s');
  });
});

it('examines a local environment, and says what does not apply', async () => {
  const deployment: LocalDeployment = {
    kind: 'local',
    url,
    region: 'us-east-1',
    title: 'local',
    identity: 'local',
    data: '.local',
    endpoints: { api: url, region: 'us-east-1', callback: `${url}/callback`, wiro: `${url}/wiro` },
  };

  const findings = await examine(deployment, { version: '1.0.0', setup: 'setup' });

  expect(findings.filter(({ status }) => status === 'wrong')).toEqual([]);
  expect(findings.filter(({ status }) => status === 'ok').map(({ check }) => check)).toEqual([
    'api',
    'clock',
    'wiro',
    'upload',
    'output link',
    'callback',
  ]);
  expect(describeFindings(findings)).toContain('– alarms          not checked: not in a local environment');
});

it('finds a local environment that is gone', async () => {
  const gone = 'http://127.0.0.1:1';
  const deployment: LocalDeployment = {
    kind: 'local',
    url: gone,
    region: 'us-east-1',
    title: 'local',
    identity: 'local',
    data: '.local',
    endpoints: { api: gone, region: 'us-east-1' },
  };

  const findings = await examine(deployment, { version: '1.0.0', setup: 'setup' });

  expect(findings.find(({ check }) => check === 'api')).toMatchObject({
    status: 'wrong',
    message: expect.stringContaining('not reached'),
  });
});

it.each([
  ['secretsmanager', 'SECRETS_MANAGER'],
  ['monitoring', 'CLOUDWATCH'],
  ['ssm', 'SSM'],
])("calls %s at the endpoint that the SDK's variable names", async (service, variable) => {
  vi.stubEnv(`AWS_ENDPOINT_URL_${variable}`, url);
  onTestFinished(() => void vi.unstubAllEnvs());
  answers.set('/its/path', [200, 'called']);
  const aws = createAws({
    region: 'us-iso-east-1',
    credentials: async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'x' }),
  });

  const signal = AbortSignal.timeout(5_000);
  expect(await aws({ service, action: `${service}:Look`, path: '/its/path' }, signal)).toBe('called');
});

it('turns whatever a check throws into a finding', async () => {
  const findings = await runChecks([
    { name: 'good', run: async () => ok('fine') },
    {
      name: 'throttled',
      run: () => Promise.reject(new AwsRefusal('ssm:GetParameters', 400, 'ThrottlingException')),
    },
    { name: 'broken', run: () => Promise.reject(new Error(`failed at https://h/p?sig=${SECRET}`)) },
  ]);

  expect(findings.map(({ status }) => status)).toEqual(['ok', 'unchecked', 'wrong']);
  expect(JSON.stringify(findings)).not.toContain(SECRET);
});
