import { describe, expect, it } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';
import { ALL_CODE, createApp } from './synthesize.ts';

const read = (given: Readonly<Record<string, unknown>>) => readStackSettings((name) => given[name]);
/** Creates the stack with these settings, including the checks of its construct. */
const stackWith = (given: Readonly<Record<string, unknown>>) =>
  new WiroStack(createApp(), read(given), ALL_CODE);

describe('settings of a stack', () => {
  it('have defaults derived from the stack’s name', () => {
    expect(read({})).toEqual({
      stackName: 'WiroServerless',
      parameterPath: '/wiro/WiroServerless',
      test: false,
      furtherInputBuckets: [],
    });
    expect(read({ stackName: 'Blue' })).toMatchObject({ parameterPath: '/wiro/Blue' });
    expect(stackWith({ stackName: 'Blue' }).node.findChild('Wiro')).toMatchObject({ deployment: 'Blue' });
  });

  it('may be text or JSON values', () => {
    expect(read({ test: true, durationDivisor: 100, durations: { lease: 1_000 } })).toMatchObject({
      test: true,
      durationDivisor: 100,
      durations: { lease: 1_000 },
    });
    expect(
      read({ test: 'true', durations: '{"lease":1000}', wiroOutputHosts: 'a.example, b.example' }),
    ).toMatchObject({
      test: true,
      durations: { lease: 1_000 },
      wiroOutputHosts: ['a.example', 'b.example'],
    });
  });

  it('name existing resources, and limits', () => {
    const given = {
      secret: 'shop/wiro',
      inputBucket: 'shop-photos',
      outputBucket: 'shop-renders',
      table: 'Shop_Records',
      eventBus: 'default',
    };
    const bounds = { retentionDays: '30', deadlineMinutes: 90, maximumConcurrency: '4' };

    expect(read({ ...given, ...bounds, maximumGenerationsPerDay: '500' })).toMatchObject({
      ...given,
      retentionDays: 30,
      deadlineMinutes: 90,
      maximumConcurrency: 4,
      maximumGenerationsPerDay: 500,
    });
  });

  it('accept further kinds of models, but no unknown ones', () => {
    expect(read({ furtherModelKinds: 'training, realtime' })).toMatchObject({
      furtherModelKinds: ['training', 'realtime'],
    });
    expect(() => stackWith({ furtherModelKinds: 'training,agents' })).toThrow(
      'furtherModelKinds is "agents": use "realtime" or "training".',
    );
  });

  it('name the models that are run', () => {
    expect(read({ models: 'wiro/*, google/veo3.1', unknownParameters: 'refuse' })).toMatchObject({
      models: ['wiro/*', 'google/veo3.1'],
      unknownParameters: 'refuse',
    });
    expect(() => stackWith({ models: ',' })).toThrow('models is empty');
  });

  it('name the labels that usage is counted by', () => {
    expect(read({ usageLabels: 'team, app' })).toMatchObject({ usageLabels: ['team', 'app'] });
  });

  it('limit copies, and reserve concurrency', () => {
    expect(read({ dueShards: '8' })).toMatchObject({ dueShards: 8 });
    expect(read({ maximumCollects: '5', reservedConcurrency: '{"callback": 20}' })).toMatchObject({
      maximumCollects: 5,
      reservedConcurrency: { callback: 20 },
    });
    expect(() => read({ reservedConcurrency: 'callback=20' })).toThrow(/numbers by function as JSON/);
  });

  it('restrict inputs to prefixes', () => {
    expect(read({ inputPrefixes: 'inputs/, s3://shop-photos/public/' })).toMatchObject({
      inputPrefixes: ['inputs/', 's3://shop-photos/public/'],
    });
    expect(() => stackWith({ inputPrefixes: 'inputs' })).toThrow(
      /: inputPrefixes is "inputs": .* ends in "\/"/,
    );
  });

  it('let a test stack use a simulator with plain http and ports', () => {
    const simulator = {
      wiroApiUrl: 'http://host.docker.internal:9000/v1',
      wiroSocketUrl: 'ws://host.docker.internal:9000/v1',
      wiroOutputHosts: 'host.docker.internal:9000',
      callbackBaseUrl: 'http://localhost:4566/callback',
    };

    expect(read({ test: 'true', ...simulator })).toMatchObject({ wiroApiUrl: simulator.wiroApiUrl });
  });

  it.each([
    [{ wiroApiUrl: 'https://api.wiro.ai' }, /wiroApiUrl .* ends in \/v1/],
    [{ wiroApiUrl: 'api.wiro.ai/v1' }, /wiroApiUrl .* begins with https:/],
    [{ wiroApiUrl: 'http://api.wiro.ai/v1' }, /wiroApiUrl .* begins with https:.*-c test=true/],
    [{ wiroApiUrl: 'https://user:pass@wiro.example/v1' }, /wiroApiUrl has a user/],
    [{ wiroSocketUrl: 'https://socket.wiro.ai/v1' }, /wiroSocketUrl .* begins with wss:/],
    [{ callbackBaseUrl: 'https://x.example/?a=b' }, /callbackBaseUrl has a user, a password, a query/],
    [{ wiroOutputHosts: 'localhost:9000' }, /wiroOutputHosts .*omit the port.*-c test=true/],
    [{ wiroOutputHosts: 'https://cdn.wiro.ai' }, /wiroOutputHosts .*use hosts/],
    [{ deployment: 'my_app' }, /deployment is "my_app": use at most 64 letters/],
    [{ stackName: '1st' }, /stackName is "1st": use at most 128 letters/],
    [
      { stackName: 'A'.repeat(65) },
      /deployment defaults to the stack's name, "A+", which is too long .*set a shorter deployment/,
    ],
    [{ parameterPath: 'wiro/x' }, /parameterPath .*begins with "\/"/],
    [{ parameterPath: '/wiro/x/' }, /parameterPath .*no trailing/],
    [{ parameterPath: '/aws/x' }, /parameterPath .*not with "\/aws"/],
    [{ furtherInputBuckets: 'Not_A_Bucket' }, /furtherInputBuckets .*use names of buckets/],
    [{ secret: 'arn:aws:s3:::bucket' }, /secret is "arn:.*use the name or the complete ARN of a secret/],
    [{ inputBucket: 'Photos' }, /inputBucket is "Photos": use the name of a bucket/],
    [{ outputBucket: 'a,b' }, /outputBucket is "a,b": use the name of a bucket/],
    [{ table: 'a' }, /table is "a": use the name of a DynamoDB table/],
    [{ eventBus: 'my bus' }, /eventBus is "my bus": use the name of an event bus/],
    [{ retentionDays: '0' }, /retentionDays is "0": use a whole number from 1/],
    [{ deadlineMinutes: '1h' }, /deadlineMinutes is "1h": use a whole number/],
    [{ maximumConcurrency: 1.5 }, /maximumConcurrency is "1.5": use a whole number/],
    [{ maximumConcurrency: '1001' }, /maximumConcurrency is 1001: use a whole number from 1 to 1000/],
    [{ maximumGenerationsPerDay: '-3' }, /maximumGenerationsPerDay is "-3": use a whole number/],
    [{ test: 'yes' }, /test is "yes": use -c test=true/],
    [{ durations: '{' }, /durations: .*: use milliseconds by name as JSON, for example/],
    [{ durations: '{"leese":1}' }, /no duration is called "leese"/],
    [{ durations: '5' }, /durations is "5": use milliseconds by name as JSON/],
    [{ presets: '{' }, /presets: .*: use presets by name as JSON, for example .*cdk\.json/],
    [{ reservedConcurrency: 'null' }, /reservedConcurrency is "null": use numbers by function/],
    [{ observability: 'much' }, /observability is "much": use "none" or/],
    [{ inputHandover: 'mail' }, /inputHandover is "mail": use "auto" or/],
    [{ durationDivisor: 'ten' }, /durationDivisor is "ten": use a number from 1/],
    [{ durationDivisor: '0' }, /DURATION_DIVISOR must be a number from 1/],
  ])('are refused with a remedy: %j', (given, sentence) => {
    expect(() => stackWith(given)).toThrow(sentence);
  });
});
