import { Duration, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../infra/checks/configuration-error.ts';
import { GenerationTable } from '../../../infra/construct/generation-table.ts';
import { WiroGenerations } from '../../../infra/construct/wiro-generations.ts';
import { WiroCredentials } from '../../../infra/wiro-credentials.ts';
import type { WiroGenerationsProps } from '../../../infra/wiro-generations-props.ts';
import { addGenerations, createStack } from '../add-generations.ts';

type Props = Partial<WiroGenerationsProps>;

const PRESET = { model: 'owner/project', fileParameter: 'inputImage' };
/** Distinct names for a second deployment. */
const TWO: Props = {
  deployment: 'two',
  credentials: WiroCredentials.fromParameters({ path: '/wiro/two' }),
};
const HERE = { region: 'eu-central-1', account: '111122223333' };
const arn = (service: string, region: string, account: string, resource: string) =>
  `arn:aws:${service}:${region}:${account}:${resource}`;
const busAt = (stack: Stack, region: string, account = HERE.account) =>
  events.EventBus.fromEventBusArn(stack, 'Bus', arn('events', region, account, 'event-bus/shop'));

/** Returns the message of the `ConfigurationError`. */
function refusalOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('The construct was accepted');
}

describe('a configuration that cannot work is refused at synthesis', () => {
  // [the fault, the properties, the beginning of the message, its remedy]
  it.each<[string, (stack: Stack) => object, string, RegExp]>([
    [
      'no credentials',
      () => ({ credentials: undefined }),
      'credentials are missing',
      /WiroCredentials\.from/,
    ],
    [
      'a key instead of credentials',
      () => ({ credentials: { apiKey: 'k' } }),
      'credentials are missing',
      /pass Wiro/,
    ],
    [
      'a name instead of a bucket in JavaScript',
      () => ({ inputBucket: 'my-photos' }),
      'inputBucket is "my-photos", not a resource',
      /pass s3\.Bucket\.fromBucketName/,
    ],
    [
      'names instead of buckets in JavaScript',
      () => ({ furtherInputBuckets: ['my-photos'] }),
      'furtherInputBuckets is "my-photos", not a resource',
      /pass s3\.Bucket\.fromBucketName/,
    ],
    [
      'a snapshot of buckets and tables',
      () => ({ removalPolicy: RemovalPolicy.SNAPSHOT }),
      'removalPolicy is SNAPSHOT',
      /use RemovalPolicy\.RETAIN or DESTROY/,
    ],
    [
      'an output host that the functions refuse',
      () => ({ wiroOutputHosts: ['wiro.ai', 'cdn'] }),
      'wiroOutputHosts is "cdn"',
      /use hosts with a dot/,
    ],
    [
      'an output host with a port that does not exist',
      () => ({ wiroOutputHosts: ['wiro.ai:99999'] }),
      'wiroOutputHosts is "wiro.ai:99999"',
      /use hosts with a dot/,
    ],
    [
      'a misspelt property in JavaScript',
      () => ({ outputbuckets: undefined }),
      'outputbuckets is not a property of WiroGenerations',
      /did you mean outputBucket\?/,
    ],
    [
      'an unknown property',
      () => ({ colour: 'red' }),
      'colour is not a property of WiroGenerations',
      /use one of callbackBaseUrl, .*, wiroSocketUrl\./,
    ],
    [
      'an API URL that exposes the key',
      () => ({ wiroApiUrl: 'http://wiro.example/v1' }),
      'wiroApiUrl is "http://wiro.example/v1"',
      /exposes the API key .* Use an https:/,
    ],
    [
      'a callback URL that exposes its signature',
      () => ({ callbackBaseUrl: 'http://127.0.0.1.example/hooks' }),
      'callbackBaseUrl is "http://127.0.0.1.example/hooks"',
      /exposes the callback’s signature/,
    ],
    [
      'a path that SSM reserves',
      () => ({ credentials: WiroCredentials.fromParameters({ path: '/aws/wiro' }) }),
      'the credentials\' path is "/aws/wiro"',
      /for example \/wiro\/my-stack/,
    ],
    [
      'a deployment that is invalid in URLs',
      () => ({ deployment: 'my shop' }),
      'deployment is "my shop"',
      /letters/,
    ],
    [
      'a preset with an unknown field',
      () => ({ presets: { portraits: { ...PRESET, prompt: 'x' } } }),
      'presets: presets.portraits.prompt is not a field of a preset',
      /Its fields are model, parameters, fileParameter, inputs/,
    ],
    [
      'a preset without a model',
      () => ({ presets: { portraits: { fileParameter: 'inputImage' } } }),
      'presets: presets.portraits.model',
      /owner\/project/,
    ],
    [
      'a preset’s input in an unknown bucket',
      () => ({ presets: { portraits: { ...PRESET, inputs: { mask: 's3://elsewhere/mask.png' } } } }),
      'presets.portraits.inputs.mask names the bucket "elsewhere", which this deployment may not read',
      /furtherInputBuckets/,
    ],
    [
      'a prefix without a trailing slash',
      () => ({ inputPrefixes: ['inputs/', 'photos'] }),
      'inputPrefixes is "photos"',
      /ends in "\/" \(otherwise "photos" would also allow "photos-private\/"\)/,
    ],
    [
      'a prefix with a wildcard of IAM',
      () => ({ inputPrefixes: ['*/'] }),
      'inputPrefixes is "*/"',
      /contains no "\*"/,
    ],
    [
      'a prefix with ".."',
      () => ({ inputPrefixes: ['inputs/../'] }),
      'inputPrefixes is "inputs/../"',
      /no "\." or "\.\."/,
    ],
    [
      'a whole bucket as a prefix',
      () => ({ inputPrefixes: ['s3://shop-photos/'] }),
      'inputPrefixes is "s3://shop-photos/"',
      /s3:\/\/my-photos\/public\//,
    ],
    [
      'a URL as a prefix',
      () => ({ inputPrefixes: ['https://x.example/'] }),
      'inputPrefixes is',
      /for example/,
    ],
    ['no prefix at all', () => ({ inputPrefixes: [] }), 'inputPrefixes is empty', /omit it/],
    [
      'a prefix that is not a list',
      () => ({ inputPrefixes: 'inputs/' }),
      'inputPrefixes is not a list',
      /\["inputs\/"\]/,
    ],
    [
      'too many prefixes',
      () => ({ inputPrefixes: Array.from({ length: 100 }, (_, index) => `inputs-${index}/`) }),
      'inputPrefixes takes more than 500 bytes',
      /fewer or shorter/,
    ],
    [
      'a prefix in an unknown bucket',
      () => ({ inputPrefixes: ['s3://elsewhere/public/'] }),
      'inputPrefixes names the bucket "elsewhere", which this deployment may not read',
      /furtherInputBuckets/,
    ],
    [
      'a preset’s own input outside inputPrefixes',
      () => ({
        inputPrefixes: ['inputs/'],
        presets: { portraits: { ...PRESET, inputs: { mask: 'masks/round.png' } } },
      }),
      'presets.portraits.inputs.mask names an object outside inputPrefixes',
      /add its prefix/,
    ],
    [
      'a seed that JSON would change',
      () => ({ presets: { portraits: { ...PRESET, parameters: { seed: Number.POSITIVE_INFINITY } } } }),
      'presets: presets.portraits.parameters.seed is a number that would lose digits',
      /send it as text/,
    ],
    [
      'a retention shorter than the deadline',
      () => ({ retention: Duration.days(1), deadline: Duration.days(2) }),
      'retention is 1 day, shorter than the deadline of 2 days',
      /Use a longer retention or a shorter deadline/,
    ],
    [
      'a retention shorter than the deadline in durations',
      () => ({ retention: Duration.days(1), durations: { deadline: 172_800_000 } }),
      'retention is 1 day, shorter than the deadline of 2 days',
      /Use a longer retention/,
    ],
    [
      'a retention of hours',
      () => ({ retention: Duration.hours(36) }),
      'retention is 1 day 12 hours',
      /whole days/,
    ],
    [
      'uploads that expire while their generations wait',
      () => ({ uploadRetention: Duration.days(3) }),
      'uploadRetention is 3 days, shorter than the maximumWait of 7 days',
      /Use a longer uploadRetention or a shorter maximumWait/,
    ],
    [
      'uploads that expire after hours',
      () => ({ uploadRetention: Duration.hours(200) }),
      'uploadRetention is 8 days 8 hours',
      /whole days/,
    ],
    [
      'an origin with a path',
      () => ({ uploadOrigins: ['https://app.example.com/'] }),
      'uploadOrigins is "https://app.example.com/"',
      /without a path/,
    ],
    ['every origin', () => ({ uploadOrigins: ['*'] }), 'uploadOrigins is "*"', /https:\/\/app\.example\.com/],
    [
      'origins for a bucket of your own',
      (scope: Stack) => ({
        inputBucket: s3.Bucket.fromBucketName(scope, 'Photos', 'photos'),
        uploadOrigins: ['https://app.example.com'],
      }),
      'uploadOrigins has no effect',
      /add lifecycle and CORS rules to that bucket/,
    ],
    ['no retention at all', () => ({ retention: Duration.days(0) }), 'retention is', /Duration\.days\(1\)/],
    [
      'a retention for buckets that the app brings',
      (stack) => ({
        retention: Duration.days(7),
        inputBucket: s3.Bucket.fromBucketName(stack, 'In', 'shop-in'),
        outputBucket: s3.Bucket.fromBucketName(stack, 'Out', 'shop-out'),
      }),
      'retention has no effect',
      /Omit retention/,
    ],
    [
      'a preset’s own input in a bucket with a retention',
      () => ({
        retention: Duration.days(7),
        presets: { portraits: { ...PRESET, inputs: { background: 'backgrounds/beach.png' } } },
      }),
      'presets.portraits.inputs.background is a key in the input bucket',
      /furtherInputBuckets/,
    ],
    [
      'a deadline of seconds',
      () => ({ deadline: Duration.seconds(30) }),
      'deadline is 30 sec',
      /at least one minute/,
    ],
    [
      'a maximum wait of seconds',
      () => ({ maximumWait: Duration.seconds(30) }),
      'maximumWait is 30 sec',
      /at least one minute/,
    ],
    [
      'a deadline set twice',
      () => ({ deadline: Duration.hours(1), durations: { deadline: 1 } }),
      'deadline is set twice',
      /remove it from durations/,
    ],
    ['an unknown duration', () => ({ durations: { leese: 1 } }), 'durations or durationDivisor:', /"leese"/],
    ['a limit of zero tasks', () => ({ maximumConcurrency: 0 }), 'maximumConcurrency is 0', /from 1/],
    [
      'more copies than a table item can hold',
      () => ({ maximumCollects: 101 }),
      'maximumCollects is 101',
      /from 1 to 100/,
    ],
    [
      'a number of shards that the index does not have',
      () => ({ dueShards: 4 as 8 }),
      'dueShards is 4',
      /use 1 or 8/,
    ],
    [
      'a reservation of zero',
      () => ({ reservedConcurrency: { callback: 0 } }),
      'reservedConcurrency.callback is 0, which would stop the function',
      /from 1, or omit it/,
    ],
    [
      'a fractional reservation',
      () => ({ reservedConcurrency: { api: 1.5 } }),
      'reservedConcurrency.api is 1.5',
      /a whole number from 1/,
    ],
    [
      'a reservation for an unknown function',
      () => ({ reservedConcurrency: { callbacks: 5 } }),
      'reservedConcurrency.callbacks names an unknown function',
      /api, submit, callback, reconcile/,
    ],
    ['a list of no models', () => ({ models: [] }), 'models is empty', /at least one/],
    ['a text as the list of models', () => ({ models: 'wiro/*' }), 'models is not a list', /\["wiro\/\*"\]/],
    [
      'a model without its owner',
      () => ({ models: ['veo3'] }),
      'models is "veo3"',
      /wiro\/\* or google\/veo\*/,
    ],
    ['a pattern in the middle', () => ({ models: ['wiro/*x'] }), 'models is "wiro/*x"', /"\*" at the end/],
    ['two models in one text', () => ({ models: ['a/b,c/d'] }), 'models is "a/b,c/d"', /use owner\/project/],
    [
      'more models than fit',
      () => ({ models: Array.from({ length: 60 }, (_, n) => `wiro/model-${n}`) }),
      'models takes more than 500 bytes',
      /fewer or shorter patterns/,
    ],
    [
      'a preset of a model that is not run',
      () => ({
        models: ['google/*'],
        presets: { portraits: { model: 'wiro/flux', fileParameter: 'inputImage' } },
      }),
      'presets.portraits runs wiro/flux',
      /add it to models/,
    ],
    [
      'another way with unknown parameters',
      () => ({ unknownParameters: 'ignore' }),
      'unknownParameters is "ignore"',
      /"warn" or "refuse"/,
    ],
    [
      'more labels of usage than three',
      () => ({ usageLabels: ['team', 'app', 'customer', 'order'] }),
      'usageLabels has 4 names',
      /at most 3/,
    ],
    [
      'a label of usage twice',
      () => ({ usageLabels: ['team', 'team'] }),
      'usageLabels names a label twice',
      /each once/,
    ],
    [
      'labels of usage in one text',
      () => ({ usageLabels: ['team,app'] }),
      'usageLabels is "team,app"',
      /the name of a label/,
    ],
    [
      'a label of usage that is no list',
      () => ({ usageLabels: 'team' }),
      'usageLabels is not a list',
      /\["team"\]/,
    ],
    [
      'a number as the reservation',
      () => ({ reservedConcurrency: 5 }),
      'reservedConcurrency is not an object: pass numbers by function',
      /\{ callback: 20 \}/,
    ],
    [
      'copies that could use all concurrency of callbacks',
      () => ({ reservedConcurrency: { callback: 5 }, maximumCollects: 5 }),
      'maximumCollects is 5 and reservedConcurrency.callback is 5',
      /Increase the reservation or reduce maximumCollects/,
    ],
    [
      'more tasks than the gate can hold',
      () => ({ maximumConcurrency: 1_001 }),
      'maximumConcurrency is 1001',
      /1 to 1000,/,
    ],
    [
      'a fraction of a task',
      () => ({ maximumConcurrency: 1.5 }),
      'maximumConcurrency is 1.5',
      /whole number/,
    ],
    [
      'a value that is not a number',
      () => ({ maximumConcurrency: Number.NaN }),
      'maximumConcurrency is NaN',
      /whole number/,
    ],
    [
      'a negative daily limit',
      () => ({ maximumGenerationsPerDay: -1 }),
      'maximumGenerationsPerDay is -1',
      /omit it for no limit/,
    ],
    [
      'an unknown level of observability',
      () => ({ observability: 'much' }),
      'observability is "much"',
      /"none" or "standard"/,
    ],
    [
      'an unknown input handover',
      () => ({ inputHandover: 'mail' }),
      'inputHandover is "mail"',
      /"auto" or "upload" or "presigned"/,
    ],
    [
      'an unknown kind of model',
      () => ({ furtherModelKinds: ['realtime', 'agents'] }),
      'furtherModelKinds is "agents"',
      /"realtime" or "training"/,
    ],
    [
      'a callback URL without a scheme',
      () => ({ callbackBaseUrl: 'x.example' }),
      'callbackBaseUrl is',
      /https:\/\//,
    ],
    [
      'a callback URL with a query',
      () => ({ callbackBaseUrl: 'https://x.example?a' }),
      'callbackBaseUrl has a user, a password, a query or a fragment',
      /remove it/,
    ],
    [
      'Wiro’s API without a version',
      () => ({ wiroApiUrl: 'https://api.wiro.ai' }),
      'wiroApiUrl is',
      /ends in \/v1/,
    ],
    [
      'a socket over https',
      () => ({ wiroSocketUrl: 'https://x.example/v1' }),
      'wiroSocketUrl is',
      /wss:\/\//,
    ],
    [
      'a URL instead of a host',
      () => ({ wiroOutputHosts: ['https://wiro.ai'] }),
      'wiroOutputHosts is',
      /without a scheme/,
    ],
    [
      'a bus in another region',
      (stack) => ({ eventBus: busAt(stack, 'us-east-1') }),
      'eventBus Shop/Bus is in the region us-east-1, but the stack is in eu-central-1',
      /use one in the stack's own region/,
    ],
    [
      'a bus in another account',
      (stack) => ({ eventBus: busAt(stack, HERE.region, '444455556666') }),
      'eventBus Shop/Bus is in the account 444455556666',
      /own account/,
    ],
    [
      'a bucket in another region',
      (stack) => ({
        inputBucket: s3.Bucket.fromBucketAttributes(stack, 'In', { bucketName: 'shop', region: 'us-east-1' }),
      }),
      'inputBucket Shop/In is in the region us-east-1',
      /own region/,
    ],
    [
      'a table in another region',
      (stack) => ({
        table: dynamodb.Table.fromTableArn(
          stack,
          'T',
          arn('dynamodb', 'us-east-1', HERE.account, 'table/records'),
        ),
      }),
      'table Shop/T is in the region us-east-1',
      /own region/,
    ],
    [
      'a secret in another region',
      (stack) => ({
        credentials: WiroCredentials.fromSecret(
          Secret.fromSecretCompleteArn(
            stack,
            'Keys',
            arn('secretsmanager', 'us-east-1', HERE.account, 'secret:wiro-AbCdEf'),
          ),
        ),
      }),
      'the secret Shop/Keys is in the region us-east-1',
      /own region/,
    ],
    [
      'a table with another schema',
      (stack) => ({
        table: new dynamodb.Table(stack, 'Orders', {
          partitionKey: { name: 'order', type: dynamodb.AttributeType.STRING },
        }),
      }),
      'table Shop/Orders lacks the key (pk HASH, sk RANGE; it has order HASH)',
      /the index "due".*the index "waiting".*the index "history".*time-to-live attribute expiresAtSeconds: create it with `new GenerationTable/,
    ],
    [
      'a global table without the indexes',
      (stack) => ({
        table: new dynamodb.TableV2(stack, 'Records', {
          partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
          sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
          timeToLiveAttribute: 'expiresAtSeconds',
        }),
      }),
      'table Shop/Records lacks the index "due" (dueShard HASH, dueAt RANGE; it has none)',
      /GenerationTable/,
    ],
  ])('%s', (_, props, beginning, remedy) => {
    const stack = createStack(HERE);

    const message = refusalOf(() => addGenerations(stack, props(stack) as Props));

    expect(message.startsWith(`Shop/Wiro: ${beginning}`), message).toBe(true);
    expect(message).toMatch(remedy);
    expect(message).toMatch(/[.]$/);
  });

  it('missing properties in JavaScript', () => {
    expect(refusalOf(() => Reflect.construct(WiroGenerations, [createStack(), 'Wiro']))).toBe(
      'Shop/Wiro: the properties are missing: pass at least { credentials: WiroCredentials.fromParameters() }.',
    );
  });

  it.each(['http://localhost:9000/v1', 'http://127.0.0.1:9000/v1', 'http://host.docker.internal:9000/v1'])(
    'except a simulator on this machine: %s',
    (wiroApiUrl) => {
      expect(() => addGenerations(createStack(), { wiroApiUrl })).not.toThrow();
    },
  );

  it('a nested stack without explicit names, because its own name is only known at deployment', () => {
    const nested = new NestedStack(createStack(), 'Nested');
    const credentials = WiroCredentials.fromParameters({ path: '/wiro/shop' });

    expect(refusalOf(() => addGenerations(nested, { credentials }, 'A'))).toMatch(/set deployment\.$/);
    expect(refusalOf(() => addGenerations(nested, { deployment: 'shop' }, 'B'))).toMatch(
      /set the credentials' path\.$/,
    );
    expect(() => addGenerations(nested, { deployment: 'shop', credentials }, 'C')).not.toThrow();
  });

  it.each<[string, Props, string]>([
    ['deployment', {}, 'deployment is also used by Shop/First: their generations'],
    ['path', { deployment: 'two' }, "the credentials' path is also used by Shop/First: both would write"],
    ['table', TWO, 'table is also used by Shop/First: each would run'],
    ['input bucket', { ...TWO, table: undefined }, 'inputBucket is also used by Shop/First: each file'],
    [
      'bus',
      { ...TWO, table: undefined, inputBucket: undefined },
      'eventBus is also used by Shop/First: each "Generation Requested" would be run, and charged, twice',
    ],
  ])('a second deployment with the same %s', (_, own, sentence) => {
    const stack = createStack();
    const data = new Stack(stack.node.root, 'Data');
    const shared = {
      table: new GenerationTable(data, 'Records'),
      inputBucket: new s3.Bucket(data, 'Photos'),
      eventBus: events.EventBus.fromEventBusName(stack, 'Bus', 'default'),
    };
    addGenerations(stack, shared, 'First');

    const message = refusalOf(() => addGenerations(stack, { ...shared, ...own }, 'Second'));

    expect(message).toContain(`Shop/Second: ${sentence}`);
    expect(message).toMatch(/Give each deployment its own\.$/);
  });
});
