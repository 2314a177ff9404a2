import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../functions/functions.ts';
import { releaseIn } from '../../functions/settings.ts';
import { type Resource, resourcesOf, synthesize, toText } from './synthesize.ts';

let template: Template;
beforeAll(() => {
  template = synthesize();
}, 60_000);

/** Finds a function's resource by its description. */
function functionOf(name: keyof typeof FUNCTIONS, of = template): readonly [string, Resource] {
  const found = resourcesOf(of, 'AWS::Lambda::Function').find(([, { Properties }]) =>
    String(Properties.Description).startsWith(FUNCTIONS[name].description),
  );
  if (!found) throw new Error(`The template has no function ${name}`);
  return found;
}

const environmentOf = (name: keyof typeof FUNCTIONS, of = template) => {
  const { Variables } = functionOf(name, of)[1].Properties.Environment as {
    Variables: Record<string, unknown>;
  };
  return Object.fromEntries(Object.entries(Variables).map(([key, value]) => [key, toText(value)]));
};

const types = (of: Template) =>
  new Set(Object.values(of.toJSON().Resources as Record<string, Resource>).map(({ Type }) => Type));

describe('functions', () => {
  it('are only the four in functions/functions.ts: no custom resource runs during the deployment', () => {
    template.resourceCountIs('AWS::Lambda::Function', 4);
    expect([...types(template)].filter((type) => type.startsWith('Custom::'))).toEqual([]);
  });

  it('run on Node 24 and arm64, with the memory and timeout from their description', () => {
    const sizes = (['api', 'submit', 'callback', 'reconcile'] as const).map((name) => {
      const { Runtime, Architectures, MemorySize, Timeout, Handler } = functionOf(name)[1].Properties;
      return [name, Runtime, Architectures, MemorySize, Timeout, Handler];
    });

    expect(sizes).toEqual([
      ['api', 'nodejs24.x', ['arm64'], 512, 29, 'index.handler'],
      ['submit', 'nodejs24.x', ['arm64'], 256, 300, 'index.handler'],
      ['callback', 'nodejs24.x', ['arm64'], 384, 900, 'index.handler'],
      ['reconcile', 'nodejs24.x', ['arm64'], 256, 60, 'index.handler'],
    ]);
  });

  it('reserve no concurrency, which would fail the deployment in a new account', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  it('receive the environment variables that their description lists', () => {
    const [submitId] = functionOf('submit');
    const [callbackId] = functionOf('callback');

    expect(environmentOf('reconcile')).toMatchObject({
      DEPLOYMENT: 'WiroServerless',
      SUBMIT_FUNCTION: `<${submitId}>`,
      CALLBACK_FUNCTION: `<${callbackId}>`,
    });
    expect(environmentOf('callback')).toMatchObject({
      PARAMETER_PATH: '/wiro/WiroServerless',
      WIRO_API_URL: 'https://api.wiro.ai/v1',
      WIRO_OUTPUT_HOSTS: 'wiro.ai',
    });
    expect(environmentOf('api')).toMatchObject({ WIRO_SOCKET_URL: 'wss://socket.wiro.ai/v1' });
    expect(environmentOf('reconcile')).not.toHaveProperty('PARAMETER_PATH');
    expect(environmentOf('callback')).not.toHaveProperty('DURATIONS');
  });

  it('never receive their own name, which would be a cycle in CloudFormation', () => {
    for (const name of ['api', 'submit', 'callback', 'reconcile'] as const) {
      const [id] = functionOf(name);
      expect(Object.values(environmentOf(name)), name).not.toContain(`<${id}>`);
    }
  });

  it('keep their logs for a month, each in its own log group', () => {
    template.resourceCountIs('AWS::Logs::LogGroup', 4);
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    const groups = resourcesOf(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
      toText((Properties.LoggingConfig as { LogGroup: unknown }).LogGroup),
    );
    expect(new Set(groups).size).toBe(4);
  });

  it('get three tries when invoked asynchronously, but one if a schedule repeats them', () => {
    const retries = resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => [
      toText(Properties.FunctionName),
      Properties.MaximumRetryAttempts,
      Properties.MaximumEventAgeInSeconds,
    ]);

    const ref = (name: keyof typeof FUNCTIONS) => `<${functionOf(name)[0]}>`;
    expect(new Set(retries)).toEqual(
      new Set([
        [ref('api'), 2, 21_600],
        [ref('submit'), 2, 21_600],
        [ref('callback'), 2, 900],
        [ref('reconcile'), 0, 60],
      ]),
    );
  });
});

describe('triggers', () => {
  it('make the callback URL public, with both permissions that Lambda requires', () => {
    const [id] = functionOf('callback');

    template.hasResourceProperties('AWS::Lambda::Url', {
      AuthType: 'NONE',
      TargetFunctionArn: { 'Fn::GetAtt': [id, 'Arn'] },
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunctionUrl',
      FunctionName: { 'Fn::GetAtt': [id, 'Arn'] },
      FunctionUrlAuthType: 'NONE',
      Principal: '*',
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [id, 'Arn'] },
      InvokedViaFunctionUrl: true,
      Principal: '*',
    });
  });

  it('require a signature for the API, and make no other function public', () => {
    template.resourceCountIs('AWS::Lambda::Url', 2);
    template.hasResourceProperties('AWS::Lambda::Url', {
      AuthType: 'AWS_IAM',
      TargetFunctionArn: { 'Fn::GetAtt': [functionOf('api')[0], 'Arn'] },
    });
    const open = resourcesOf(template, 'AWS::Lambda::Permission')
      .filter(([, { Properties }]) => Properties.Principal === '*')
      .map(([, { Properties }]) => toText(Properties.FunctionName));
    expect(new Set(open)).toEqual(new Set([`<${functionOf('callback')[0]}.Arn>`]));
  });

  it('start submit for every object under requests/ and uploads/, but not for a bucket of another account', () => {
    const [submit] = functionOf('submit');

    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: {
        LambdaConfigurations: [
          {
            Event: 's3:ObjectCreated:*',
            Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'requests/' }] } },
            Function: { 'Fn::GetAtt': [submit, 'Arn'] },
          },
          {
            Event: 's3:ObjectCreated:*',
            // Without presets, too: a file there gets an answer.
            Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'uploads/' }] } },
            Function: { 'Fn::GetAtt': [submit, 'Arn'] },
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      FunctionName: { 'Fn::GetAtt': [submit, 'Arn'] },
      SourceAccount: { Ref: 'AWS::AccountId' },
      SourceArn: Match.anyValue(),
    });
  });

  it('name the input bucket after the stack and its id, so that a retained bucket does not block a new stack', () => {
    const [, inputs] =
      resourcesOf(template, 'AWS::S3::Bucket').find(
        ([, { Properties }]) => Properties.NotificationConfiguration,
      ) ?? [];

    expect(toText(inputs?.Properties.BucketName)).toBe(
      'wiroserverless-input-select(0, split("-", select(2, split("/", <AWS::StackId>))))',
    );
    expect(environmentOf('submit').INPUT_BUCKET).toBe(toText(inputs?.Properties.BucketName));
  });

  it('start reconcile every minute', () => {
    template.resourcePropertiesCountIs('AWS::Events::Rule', { ScheduleExpression: Match.anyValue() }, 1);
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [functionOf('reconcile')[0], 'Arn'] } })],
    });
  });
});

describe('storage', () => {
  it('is one table with three indexes, on-demand billing, point-in-time recovery and TTL', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAtSeconds', Enabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'due',
          KeySchema: [
            { AttributeName: 'dueShard', KeyType: 'HASH' },
            { AttributeName: 'dueAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
        {
          IndexName: 'waiting',
          KeySchema: [
            { AttributeName: 'waitingShard', KeyType: 'HASH' },
            { AttributeName: 'waitingKey', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
        {
          IndexName: 'history',
          KeySchema: [
            { AttributeName: 'historyMonth', KeyType: 'HASH' },
            { AttributeName: 'historyKey', KeyType: 'RANGE' },
          ],
          Projection: {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: Match.arrayWith(['id', 'status', 'createdAt']),
          },
        },
      ],
    });
  });

  it('is two private, encrypted buckets that abort incomplete uploads', () => {
    template.resourceCountIs('AWS::S3::Bucket', 2);
    template.allResourcesProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
        ]),
      },
    });
  });

  it('requires TLS', () => {
    template.resourceCountIs('AWS::S3::BucketPolicy', 2);
    template.allResourcesProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });

  it('has no CORS rules, and encrypts the table with the AWS owned key, which is free', () => {
    template.allResourcesProperties('AWS::S3::Bucket', { CorsConfiguration: Match.absent() });
    template.allResourcesProperties('AWS::DynamoDB::Table', { SSESpecification: Match.absent() });
  });

  it('is retained when the stack is deleted', () => {
    const kept = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket'].flatMap((type) => resourcesOf(template, type));

    expect(kept.map(([, { DeletionPolicy, UpdateReplacePolicy }]) => [DeletionPolicy, UpdateReplacePolicy]))
      // Two buckets and a table.
      .toEqual([
        ['Retain', 'Retain'],
        ['Retain', 'Retain'],
        ['Retain', 'Retain'],
      ]);
  });

  it('protects its table from deletion, unless the stack is a test', () => {
    const isProtected = (of: Template) =>
      resourcesOf(of, 'AWS::DynamoDB::Table').map(
        ([, { Properties }]) => Properties.DeletionProtectionEnabled,
      );

    expect(isProtected(template)).toEqual([true]);
    expect(isProtected(synthesize({ test: 'true' }))).toEqual([false]);
  });
});

describe('parameters and outputs', () => {
  const parameters = (of: Template) =>
    Object.fromEntries(
      resourcesOf(of, 'AWS::SSM::Parameter').map(([, { Properties }]) => [
        Properties.Name,
        toText(Properties.Value),
      ]),
    );

  it('put the callback’s URL and function into parameters, because environment variables would be a cycle', () => {
    const [url] =
      resourcesOf(template, 'AWS::Lambda::Url').find(
        ([, { Properties }]) => Properties.AuthType === 'NONE',
      ) ?? [];

    expect(parameters(template)).toEqual({
      // https://<id>.lambda-url.<region>.on.aws/ without its trailing slash.
      '/wiro/WiroServerless/callback-base-url': `https://select(2, split("/", <${url}.FunctionUrl>))`,
      '/wiro/WiroServerless/callback-function': `<${functionOf('callback')[0]}>`,
    });
  });

  it('contain no secret, which CloudFormation cannot encrypt', () => {
    template.allResourcesProperties('AWS::SSM::Parameter', { Type: 'String' });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });

  it('include an event bus', () => {
    template.hasResourceProperties('AWS::Events::EventBus', { Name: 'WiroServerless' });
  });

  it('include the outputs that docs/deploy.md uses', () => {
    expect(Object.keys(template.findOutputs('*')).sort()).toEqual([
      'ApiUrl',
      'CallbackUrl',
      'EventBusName',
      'InputBucketName',
      'OutputBucketName',
      'TableName',
    ]);
  });

  it('tell the release in the description of each function', async () => {
    const { version } = JSON.parse(
      await readFile(path.join(import.meta.dirname, '../../package.json'), 'utf8'),
    );

    for (const name of Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[])
      expect(releaseIn(String(functionOf(name)[1].Properties.Description))).toBe(version);
  });

  it('follow the settings', () => {
    const changed = synthesize({
      stackName: 'Blue',
      deployment: 'blue-2',
      parameterPath: '/team/blue',
      callbackBaseUrl: 'https://hooks.example.com/wiro/',
      wiroApiUrl: 'https://wiro.example.com/v1',
      wiroSocketUrl: 'wss://wiro.example.com/socket',
      wiroOutputHosts: 'cdn.example.com,wiro.ai',
      furtherInputBuckets: 'photos-of-ours',
      durationDivisor: '100',
    });

    expect(parameters(changed)).toMatchObject({
      '/team/blue/callback-base-url': 'https://hooks.example.com/wiro',
    });
    expect(environmentOf('callback', changed)).toMatchObject({
      DEPLOYMENT: 'blue-2',
      PARAMETER_PATH: '/team/blue',
      WIRO_API_URL: 'https://wiro.example.com/v1',
      WIRO_OUTPUT_HOSTS: 'cdn.example.com,wiro.ai',
      DURATION_DIVISOR: '100',
    });
    expect(environmentOf('api', changed)).toMatchObject({
      WIRO_SOCKET_URL: 'wss://wiro.example.com/socket',
      FURTHER_INPUT_BUCKETS: 'photos-of-ours',
    });
  }, 60_000);

  it('use existing resources', () => {
    const changed = synthesize({
      secret: 'shop/wiro',
      inputBucket: 'shop-photos',
      outputBucket: 'shop-photos',
      table: 'records',
      eventBus: 'default',
      deadlineMinutes: '90',
      maximumWaitHours: '24',
      maximumConcurrency: '4',
      maximumGenerationsPerDay: '500',
    });

    expect(environmentOf('submit', changed)).toMatchObject({
      INPUT_BUCKET: 'shop-photos',
      OUTPUT_BUCKET: 'shop-photos',
      TABLE_NAME: 'records',
      EVENT_BUS_NAME: 'default',
      SECRET_ARN: expect.stringMatching(/:secret:shop\/wiro$/),
      DURATIONS: '{"deadline":5400000,"maximumWait":86400000}',
      MAXIMUM_CONCURRENCY: '4',
      MAXIMUM_GENERATIONS_PER_DAY: '500',
    });
    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Events::EventBus'])
      changed.resourceCountIs(type, 0);
  }, 60_000);

  it('expire inputs and outputs after the retention', () => {
    synthesize({ retentionDays: '30' }).allResourcesProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: Match.arrayWith([Match.objectLike({ ExpirationInDays: 30 })]) },
    });
  }, 60_000);

  it('delete the table and the buckets with a test stack', () => {
    const test = synthesize({ test: 'true' });

    const held = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket'].flatMap((type) => resourcesOf(test, type));
    expect(held.map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(['Delete', 'Delete', 'Delete']);
    test.resourceCountIs('Custom::S3AutoDeleteObjects', 2);
  }, 60_000);
});
