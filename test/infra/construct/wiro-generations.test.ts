import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { GenerationTable } from '../../../infra/construct/generation-table.ts';
import { WiroCredentials } from '../../../infra/wiro-credentials.ts';
import {
  addGenerations,
  createStack,
  rightsGivenBy,
  rightsOfRole,
  templateWith,
} from '../add-generations.ts';
import { createApp, resourcesOf, toText } from '../synthesize.ts';

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/mine';
const PORTRAITS = { portraits: { model: 'owner/project', fileParameter: 'inputImage' } };

const environmentOf = (name: FunctionName, template: Template) => {
  const [, resource] =
    resourcesOf(template, 'AWS::Lambda::Function').find(([, { Properties }]) =>
      String(Properties.Description).startsWith(FUNCTIONS[name].description),
    ) ?? [];
  const { Variables = {} } = (resource?.Properties.Environment ?? {}) as { Variables?: object };
  return Object.fromEntries(Object.entries(Variables).map(([key, value]) => [key, toText(value)]));
};

describe('resources that the app brings', () => {
  const imported = (stack: Stack) => ({
    inputBucket: s3.Bucket.fromBucketName(stack, 'In', 'shop-photos'),
    outputBucket: s3.Bucket.fromBucketName(stack, 'Out', 'shop-renders'),
    table: dynamodb.Table.fromTableName(stack, 'Records', 'shop-records'),
    eventBus: events.EventBus.fromEventBusName(stack, 'Bus', 'shop-bus'),
  });

  it('replace those that the construct would create', () => {
    const stack = createStack();
    const wiro = addGenerations(stack, imported(stack));
    const template = Template.fromStack(stack);

    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Events::EventBus'])
      template.resourceCountIs(type, 0);
    expect(environmentOf('submit', template)).toMatchObject({
      INPUT_BUCKET: 'shop-photos',
      OUTPUT_BUCKET: 'shop-renders',
      TABLE_NAME: 'shop-records',
      EVENT_BUS_NAME: 'shop-bus',
    });
    expect(wiro.inputBucket.bucketName).toBe('shop-photos');
    const rights = rightsOfRole(template, /^WiroSubmitRole/).join('\n');
    expect(rights).toContain('s3:GetObject on arn:<AWS::Partition>:s3:::shop-photos/*');
    expect(rights).toContain('s3:PutObject on arn:<AWS::Partition>:s3:::shop-renders/large-requests/*');
    expect(rights).toMatch(/dynamodb:Query on arn:.*:table\/shop-records\/index\/waiting/);
    expect(rights).toMatch(/events:PutEvents on arn:.*:event-bus\/shop-bus/);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventBusName: 'shop-bus',
      EventPattern: { 'detail-type': ['Generation Requested'] },
    });
  });

  it('include an input bucket, which keeps its notifications and starts submit', () => {
    const stack = createStack();
    addGenerations(stack, { ...imported(stack), presets: PORTRAITS });
    const template = Template.fromStack(stack);

    template.hasResourceProperties('Custom::S3BucketNotifications', {
      BucketName: 'shop-photos',
      Managed: false,
      NotificationConfiguration: {
        LambdaFunctionConfigurations: [
          {
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'requests/' }] } },
          },
          {
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'uploads/' }] } },
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
      SourceArn: { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('shop-photos')])] },
    });
  });

  it('cause no cycle if they are in the same stack', () => {
    const app = createApp();
    const stack = new Stack(app, 'Shop');
    const bucket = new s3.Bucket(stack, 'Photos');
    addGenerations(stack, {
      // One bucket for inputs and outputs.
      inputBucket: bucket,
      outputBucket: bucket,
      table: new GenerationTable(stack, 'Records'),
      eventBus: new events.EventBus(stack, 'Bus'),
    });

    expect(() => app.synth()).not.toThrow();
    Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 1);
  });

  it('cause no cycle of stacks if they are in another stack', () => {
    const app = createApp();
    const data = new Stack(app, 'Data');
    const stack = new Stack(app, 'Shop');
    addGenerations(stack, {
      inputBucket: new s3.Bucket(data, 'Photos'),
      outputBucket: new s3.Bucket(data, 'Renders'),
      table: new GenerationTable(data, 'Records'),
      eventBus: new events.EventBus(data, 'Bus'),
    });

    expect(() => app.synth()).not.toThrow();
    expect(stack.dependencies.includes(data) || data.dependencies.length === 0).toBe(true);
    Template.fromStack(stack).resourceCountIs('Custom::S3BucketNotifications', 1);
  });

  it('may be encrypted with customer managed keys, which the functions may use', () => {
    const stack = createStack();
    const key = (name: string) =>
      kms.Key.fromKeyArn(stack, name, `arn:aws:kms:eu-central-1:111122223333:key/${name}`);
    const bucket = (name: string) =>
      s3.Bucket.fromBucketAttributes(stack, name, { bucketName: name, encryptionKey: key(`${name}-key`) });
    addGenerations(stack, {
      inputBucket: bucket('inputs'),
      outputBucket: bucket('outputs'),
      furtherInputBuckets: [bucket('further')],
      table: dynamodb.Table.fromTableAttributes(stack, 'T', {
        tableName: 'records',
        encryptionKey: key('t'),
      }),
    });
    const template = Template.fromStack(stack);

    const keyRights = (role: RegExp) =>
      rightsOfRole(template, role).flatMap(
        (right) => /^kms:(.*):key\/(.*)$/.exec(right)?.slice(1).join(' ') ?? [],
      );
    const submit = keyRights(/^WiroSubmitRole/).map((right) => right.replace(/ on .*:111122223333/, ''));
    expect(submit).toEqual([
      'Decrypt further-key',
      'Decrypt inputs-key',
      'Decrypt outputs-key',
      'Decrypt t',
      'DescribeKey t',
      'Encrypt t',
      'GenerateDataKey inputs-key',
      'GenerateDataKey outputs-key',
      'GenerateDataKey t',
      'ReEncryptFrom t',
      'ReEncryptTo t',
    ]);
    expect(keyRights(/^WiroReconcileRole/).join()).not.toContain('further');
  });
});

describe('input prefixes', () => {
  const objects = (template: Template, role: RegExp) =>
    rightsOfRole(template, role)
      .filter((right) => /^s3:GetObject on .*(?:-input-|further)/.test(right))
      .map((right) => /\/[a-z]*\/?\*$/.exec(right)?.[0]);

  it('restrict the input bucket, but not further buckets without a prefix', () => {
    const stack = createStack();
    addGenerations(stack, {
      inputPrefixes: ['inputs/', 'shared/'],
      furtherInputBuckets: [s3.Bucket.fromBucketName(stack, 'Further', 'further')],
      presets: { portraits: { model: 'owner/project', fileParameter: 'inputImage' } },
    });
    const template = Template.fromStack(stack);

    expect(environmentOf('api', template)).toMatchObject({ INPUT_PREFIXES: '["inputs/","shared/"]' });
    expect(environmentOf('submit', template)).toMatchObject({ INPUT_PREFIXES: '["inputs/","shared/"]' });
    expect(objects(template, /^WiroApiRole/).toSorted()).toEqual(['/*', '/inputs/*', '/shared/*']);
    // Request files and uploads start generations although requests may not name them.
    expect(objects(template, /^WiroSubmitRole/).toSorted()).toEqual([
      '/*',
      '/inputs/*',
      // `submit` reads rejections to see which version they belong to.
      '/rejected/*',
      '/requests/*',
      '/results/*',
      '/shared/*',
      '/uploads/*',
    ]);
  });

  it('may name a bucket whose name is only known at deployment', () => {
    const stack = createStack();
    const photos = new s3.Bucket(stack, 'Photos');
    addGenerations(stack, {
      inputPrefixes: [`s3://${photos.bucketName}/public/`],
      furtherInputBuckets: [photos],
    });
    const template = Template.fromStack(stack);

    const api = rightsOfRole(template, /^WiroApiRole/).filter((right) => right.startsWith('s3:GetObject on'));
    expect(api.filter((right) => right.includes('Photos'))).toEqual([
      expect.stringMatching(/<Photos\w+\.Arn>\/public\/\*$/),
    ]);
    expect(toText((environmentOf('api', template) as { INPUT_PREFIXES: unknown }).INPUT_PREFIXES)).toMatch(
      /^\["s3:\/\/<Photos\w+>\/public\/"\]$/,
    );
  });
});

it('reserves concurrency and limits concurrent copies only if the properties say so', () => {
  const reserved = (template: Template) =>
    resourcesOf(template, 'AWS::Lambda::Function').flatMap(([id, { Properties }]) =>
      Properties.ReservedConcurrentExecutions === undefined
        ? []
        : [[id.replace(/Function\w+$/, ''), Properties.ReservedConcurrentExecutions]],
    );
  const bounded = templateWith({ reservedConcurrency: { callback: 20, api: 5 }, maximumCollects: 10 });
  const plain = templateWith();

  expect(reserved(bounded).toSorted()).toEqual([
    ['WiroApi', 5],
    ['WiroCallback', 20],
  ]);
  expect(environmentOf('callback', bounded)).toMatchObject({ MAXIMUM_COLLECTS: '10' });
  expect(reserved(plain)).toEqual([]);
  expect(environmentOf('callback', plain)).not.toHaveProperty('MAXIMUM_COLLECTS');
});

describe('credentials', () => {
  it('are parameters under the given path', () => {
    const template = templateWith({ credentials: WiroCredentials.fromParameters({ path: '/shop/wiro' }) });

    expect(environmentOf('callback', template)).toMatchObject({ PARAMETER_PATH: '/shop/wiro' });
    expect(environmentOf('callback', template)).not.toHaveProperty('SECRET_ARN');
    const rights = rightsOfRole(template, /^WiroCallbackRole/).join('\n');
    expect(rights).toContain(':parameter/shop/wiro/api-key');
    expect(rights).not.toContain('secretsmanager');
  });

  it('are read from a secret instead of encrypted parameters', () => {
    const stack = createStack();
    const secret = new secretsmanager.Secret(stack, 'Credentials');
    addGenerations(stack, { credentials: WiroCredentials.fromSecret(secret) });
    const template = Template.fromStack(stack);

    for (const name of ['api', 'submit', 'callback'] as const) {
      expect(environmentOf(name, template).SECRET_ARN).toMatch(/^<Credentials/);
      const role = new RegExp(`^Wiro${name[0]?.toUpperCase()}${name.slice(1)}Role`);
      const rights = rightsOfRole(template, role).filter((right) => /^(ssm|secretsmanager):/.test(right));
      expect(rights).toEqual([
        expect.stringMatching(/^secretsmanager:GetSecretValue on <Credentials/),
        ...(name === 'api'
          ? []
          : [expect.stringMatching(/^ssm:GetParameters on .*:parameter\/wiro\/Shop\/callback-base-url$/)]),
        expect.stringMatching(/^ssm:GetParameters on .*:parameter\/wiro\/Shop\/callback-function$/),
      ]);
    }
    expect(environmentOf('reconcile', template)).not.toHaveProperty('SECRET_ARN');
    expect(rightsOfRole(template, /^WiroReconcileRole/).join()).not.toContain('secretsmanager');
  });

  it('may be a secret imported by name, or one with a customer managed key', () => {
    const stack = createStack();
    const named = secretsmanager.Secret.fromSecretNameV2(stack, 'Named', 'shop/wiro');
    addGenerations(stack, { credentials: WiroCredentials.fromSecret(named) });
    const other = createStack();
    const encryptionKey = kms.Key.fromKeyArn(other, 'Key', KEY_ARN);
    const secretCompleteArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-AbCdEf';
    addGenerations(other, {
      credentials: WiroCredentials.fromSecret(
        secretsmanager.Secret.fromSecretAttributes(other, 'Whole', { secretCompleteArn, encryptionKey }),
      ),
    });

    const rights = (of: Stack) => rightsOfRole(Template.fromStack(of), /^WiroCallbackRole/).join('\n');
    // Secrets Manager appends six random characters to the name.
    expect(rights(stack)).toMatch(/secretsmanager:GetSecretValue on .*:secret:shop\/wiro-\?\?\?\?\?\?\n/);
    expect(rights(other)).toContain(`secretsmanager:GetSecretValue on ${secretCompleteArn}\n`);
    expect(rights(other)).toContain(`kms:Decrypt on ${KEY_ARN}`);
  });
});

describe('settings', () => {
  it('reach the functions that read them', () => {
    const template = templateWith({
      deadline: Duration.hours(2),
      maximumWait: Duration.days(1),
      durations: { lease: 30_000 },
      maximumConcurrency: 3,
      maximumGenerationsPerDay: 500,
      furtherModelKinds: ['realtime', 'training'],
      models: ['wiro/*', 'google/veo3.1'],
      unknownParameters: 'refuse',
      usageLabels: ['team', 'app'],
      wiroApiUrl: 'https://wiro.example/v1/',
      callbackBaseUrl: 'https://hooks.example/wiro/',
      logRetention: logs.RetentionDays.THREE_MONTHS,
    });

    expect(JSON.parse(environmentOf('submit', template).DURATIONS ?? '')).toEqual({
      lease: 30_000,
      deadline: 7_200_000,
      maximumWait: 86_400_000,
    });
    expect(environmentOf('submit', template)).toMatchObject({
      MAXIMUM_CONCURRENCY: '3',
      MAXIMUM_GENERATIONS_PER_DAY: '500',
      WIRO_API_URL: 'https://wiro.example/v1',
    });
    expect(environmentOf('api', template)).toMatchObject({
      MAXIMUM_GENERATIONS_PER_DAY: '500',
      FURTHER_MODEL_KINDS: 'realtime,training',
    });
    expect(environmentOf('submit', template)).toMatchObject({ FURTHER_MODEL_KINDS: 'realtime,training' });
    for (const name of ['submit', 'callback', 'reconcile'] as const)
      expect(environmentOf(name, template)).toMatchObject({ USAGE_LABELS: 'team,app' });
    expect(environmentOf('api', template)).not.toHaveProperty('USAGE_LABELS');
    for (const name of ['api', 'submit'] as const)
      expect(environmentOf(name, template)).toMatchObject({
        MODELS: 'wiro/*,google/veo3.1',
        UNKNOWN_PARAMETERS: 'refuse',
      });
    template.hasResourceProperties('AWS::SSM::Parameter', {
      Name: '/wiro/Shop/callback-base-url',
      Value: 'https://hooks.example/wiro',
    });
    for (const [, { Properties }] of resourcesOf(template, 'AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays).toBe(90);
  });

  it('expire inputs and outputs after the retention, but not the large requests of records', () => {
    const rules = (template: Template) =>
      resourcesOf(template, 'AWS::S3::Bucket').map(
        ([, { Properties }]) => (Properties.LifecycleConfiguration as { Rules: unknown[] }).Rules,
      );
    const abort = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' };

    const uploads = (days: number) => ({
      ExpirationInDays: days,
      Prefix: 'inputs/temporary/',
      Status: 'Enabled',
    });

    expect(rules(templateWith({ retention: Duration.days(30) }))).toEqual([
      [{ ...abort, ExpirationInDays: 30 }, uploads(14)],
      [abort, { ExpirationInDays: 30, Prefix: 'outputs/', Status: 'Enabled' }],
    ]);
    expect(rules(templateWith())).toEqual([[abort, uploads(14)], [abort]]);
    expect(rules(templateWith({ maximumWait: Duration.hours(500) }))[0]).toEqual([abort, uploads(21)]);
    expect(rules(templateWith({ uploadRetention: Duration.days(7) }))[0]).toEqual([abort, uploads(7)]);
  });

  it('let web pages upload only from origins that the deployment names', () => {
    const cors = (template: Template) =>
      resourcesOf(template, 'AWS::S3::Bucket').map(([, { Properties }]) => Properties.CorsConfiguration);

    expect(cors(templateWith())).toEqual([undefined, undefined]);
    expect(cors(templateWith({ uploadOrigins: ['https://app.example.com'] }))).toEqual([
      {
        CorsRules: [
          {
            AllowedHeaders: ['content-type'],
            AllowedMethods: ['PUT'],
            AllowedOrigins: ['https://app.example.com'],
            MaxAge: 3600,
          },
        ],
      },
      undefined,
    ]);
  });

  it('require code in the project’s own repository, which contains no bundles', () => {
    expect(() => templateWith({ code: undefined })).toThrow(/code is missing.*bundleFunctions/);
  });
});

describe('names of created resources', () => {
  const namesIn = (template: Template) => ({
    bus: resourcesOf(template, 'AWS::Events::EventBus').map(([, { Properties }]) => Properties.Name),
    inputBucket: resourcesOf(template, 'AWS::S3::Bucket').flatMap(([, { Properties }]) =>
      Properties.BucketName === undefined ? [] : [toText(Properties.BucketName)],
    ),
  });
  const ending = 'select(0, split("-", select(2, split("/", <AWS::StackId>))))';

  it('begin with the deployment', () => {
    expect(namesIn(templateWith({ deployment: 'Photos' }))).toEqual({
      bus: ['Photos'],
      inputBucket: [`photos-input-${ending}`],
    });
  });

  it('stay the same if the deployment changes and namePrefix keeps the old name', () => {
    const before = templateWith({ deployment: 'Photos' });
    const after = templateWith({ deployment: 'Pictures', namePrefix: 'Photos' });

    expect(namesIn(after)).toEqual(namesIn(before));
    expect(environmentOf('submit', after)).toMatchObject({ DEPLOYMENT: 'Pictures' });
  });

  it.each([
    [{ namePrefix: 'no spaces' }, /namePrefix is "no spaces": use at most 64 letters/],
    [{ namePrefix: 'x'.repeat(65) }, /namePrefix is "x+": use at most 64 letters, digits and "-"/],
    [
      { deployment: 'default' },
      /namePrefix is "default", which is the name of the bus that every account has/,
    ],
  ])('cannot come from %j', (props, sentence) => {
    expect(() => templateWith(props)).toThrow(sentence);
  });

  it('need a deployment if the stack’s name is too long for one', () => {
    const stack = new Stack(createApp(), 'S'.repeat(65));
    const short = new Stack(createApp(), 'S'.repeat(128));

    expect(() => addGenerations(stack)).toThrow(
      /deployment defaults to the stack's name, "S{65}", which is too long \(65 characters\): set a shorter deployment; use at most 64 letters, digits and "-"\./,
    );
    expect(() => addGenerations(short, { deployment: 'Photos' })).not.toThrow();
  });
});

describe('granted rights', () => {
  it('to submit include the API, three prefixes and one type of event', () => {
    const stack = createStack();
    const wiro = addGenerations(stack);

    const rights = rightsGivenBy(stack, (grantee) => wiro.grantSubmit(grantee));

    const bus = stack.resolve(wiro.eventBus.eventBusArn)['Fn::GetAtt'].join('.');
    const bucket = `<${stack.resolve(wiro.inputBucket.bucketArn)['Fn::GetAtt'].join('.')}>`;
    const api = stack.resolve(wiro.functions.api.functionArn)['Fn::GetAtt'].join('.');
    expect(rights).toEqual([
      `events:PutEvents on <${bus}> if {"StringEquals":{"events:detail-type":"Generation Requested"}}`,
      expect.stringMatching(
        new RegExp(`^lambda:InvokeFunction on <${api}> if .*InvokedViaFunctionUrl.*true`),
      ),
      expect.stringMatching(new RegExp(`^lambda:InvokeFunctionUrl on <${api}> if .*AWS_IAM`)),
      `s3:PutObject on ${bucket}/inputs/*`,
      `s3:PutObject on ${bucket}/requests/*`,
      `s3:PutObject on ${bucket}/uploads/*`,
    ]);
  });

  it('to read include outputs and answers, but not requests, the table or the API', () => {
    const stack = createStack();
    const wiro = addGenerations(stack);

    const rights = rightsGivenBy(stack, (grantee) => wiro.grantRead(grantee));

    const [inputs, outputs] = [wiro.inputBucket, wiro.outputBucket].map(
      ({ bucketArn }) => `<${stack.resolve(bucketArn)['Fn::GetAtt'].join('.')}>`,
    );
    expect(new Set(rights)).toEqual(
      new Set([
        `s3:GetObject on ${inputs}/rejected/*`,
        `s3:GetObject on ${inputs}/results/*`,
        `s3:GetObject on ${outputs}/outputs/*`,
        `s3:ListBucket on ${inputs}`,
        `s3:ListBucket on ${outputs}`,
      ]),
    );
  });

  it('to call the API include nothing else', () => {
    const stack = createStack();
    const wiro = addGenerations(stack);

    const rights = rightsGivenBy(stack, (grantee) => wiro.grantCallApi(grantee));

    expect(rights.map((right) => right.split(' ')[0])).toEqual([
      'lambda:InvokeFunction',
      'lambda:InvokeFunctionUrl',
    ]);
  });

  it('include the customer managed keys of buckets', () => {
    const stack = createStack();
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
    const inputBucket = s3.Bucket.fromBucketAttributes(stack, 'In', { bucketName: 'inputs', encryptionKey });
    const wiro = addGenerations(stack, { inputBucket });

    const rights = rightsGivenBy(stack, (grantee) => wiro.grantSubmit(grantee));

    expect(rights).toContain(`kms:GenerateDataKey on ${KEY_ARN}`);
  });
});

describe('rules for outcomes', () => {
  it.each([
    ['onSucceeded', 'Generation Succeeded'],
    ['onFailed', 'Generation Failed'],
    ['onCancelled', 'Generation Cancelled'],
  ] as const)('created by %s send this deployment’s "%s" to the target', (method, detailType) => {
    const stack = createStack();
    const wiro = addGenerations(stack);
    const queue = new sqs.Queue(stack, 'Queue');

    wiro[method]('Tell', { target: new targets.SqsQueue(queue), description: 'Tells the shop.' });

    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
      Description: 'Tells the shop.',
      EventBusName: stack.resolve(wiro.eventBus.eventBusName),
      EventPattern: {
        source: ['wiro.generations'],
        'detail-type': [detailType],
        detail: { deployment: ['Shop'] },
      },
      Targets: [Match.objectLike({ Arn: stack.resolve(queue.queueArn) })],
    });
  });

  it('accept an additional pattern, and targets later', () => {
    const stack = createStack();
    const wiro = addGenerations(stack);

    const rule = wiro.onFailed('Broke', {
      eventPattern: { detail: { error: { code: ['insufficient_balance'] } } },
    });
    rule.addTarget(new targets.SqsQueue(new sqs.Queue(stack, 'Queue')));

    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['wiro.generations'],
        'detail-type': ['Generation Failed'],
        detail: { deployment: ['Shop'], error: { code: ['insufficient_balance'] } },
      },
      Targets: Match.arrayWith([Match.objectLike({ Id: 'Target0' })]),
    });
  });
});

describe('several deployments', () => {
  it('may share one stack, each with its own names', () => {
    const stack = createStack();
    addGenerations(stack, {}, 'One');
    addGenerations(
      stack,
      { deployment: 'two', credentials: WiroCredentials.fromParameters({ path: '/wiro/two' }) },
      'Two',
    );

    Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 8);
  });

  it('in one stack are refused if their buckets or buses would have the same name', () => {
    const twins = (one: object, two: object) => () => {
      const stack = createStack();
      addGenerations(stack, { deployment: 'one', ...one }, 'One');
      const credentials = WiroCredentials.fromParameters({ path: '/wiro/two' });
      addGenerations(stack, { deployment: 'two', credentials, ...two }, 'Two');
    };
    const long = 'a-name-that-is-longer-than-forty-characters';

    expect(twins({ namePrefix: 'shop' }, { namePrefix: 'shop' })).toThrow(
      /Shop\/Two: namePrefix is also used by/,
    );
    expect(twins({ deployment: 'Shop' }, { deployment: 'shop' })).toThrow(
      /the input bucket's name \(from namePrefix\) is also used by Shop\/One/,
    );
    expect(twins({ deployment: `${long}-1` }, { deployment: `${long}-2` })).toThrow(/namePrefix/);
    expect(twins({}, {})).not.toThrow();
  });

  it('may share names if their stacks may be in different accounts', () => {
    const app = new App();
    for (const name of ['Test', 'Live']) {
      const stack = new Stack(app, name);
      const eventBus = events.EventBus.fromEventBusName(stack, 'Bus', 'shop-bus');
      expect(() => addGenerations(stack, { eventBus })).not.toThrow();
    }
  });
});
