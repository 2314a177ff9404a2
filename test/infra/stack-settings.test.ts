import { describe, expect, it } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';
import { ALL_CODE, createApp } from './synthesize.ts';

const read = (given: Readonly<Record<string, unknown>>) => readStackSettings((name) => given[name]);
/** The stack with these settings: what its construct would refuse for any app, it refuses here too. */
const stackWith = (given: Readonly<Record<string, unknown>>) =>
  new WiroStack(createApp(), read(given), ALL_CODE);

describe('settings of a stack', () => {
  it('have defaults that follow the name of the stack', () => {
    expect(read({})).toEqual({
      stackName: 'WiroServerless',
      parameterPath: '/wiro/WiroServerless',
      test: false,
      furtherInputBuckets: [],
    });
    expect(read({ stackName: 'Blue' })).toMatchObject({ parameterPath: '/wiro/Blue' });
    expect(stackWith({ stackName: 'Blue' }).node.findChild('Wiro')).toMatchObject({ deployment: 'Blue' });
  });

  it('are read from text, and from what JSON has', () => {
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

  it('name what is brought along, and its bounds', () => {
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

  it('allow further kinds of models, and no others', () => {
    expect(read({ furtherModelKinds: 'training, realtime' })).toMatchObject({
      furtherModelKinds: ['training', 'realtime'],
    });
    expect(() => stackWith({ furtherModelKinds: 'training,agents' })).toThrow(
      'furtherModelKinds is "agents": give "realtime" or "training".',
    );
  });

  it('bound copies, and reserve concurrency', () => {
    expect(read({ maximumCollects: '5', reservedConcurrency: '{"callback": 20}' })).toMatchObject({
      maximumCollects: 5,
      reservedConcurrency: { callback: 20 },
    });
    expect(() => read({ reservedConcurrency: 'callback=20' })).toThrow(/numbers by function as JSON/);
  });

  it('name where requests may name inputs', () => {
    expect(read({ inputPrefixes: 'inputs/, s3://shop-photos/public/' })).toMatchObject({
      inputPrefixes: ['inputs/', 's3://shop-photos/public/'],
    });
    expect(() => stackWith({ inputPrefixes: 'inputs' })).toThrow(
      /: inputPrefixes is "inputs": .* end in "\/"/,
    );
  });

  it('let a test use a simulator over plain http, with ports', () => {
    const simulator = {
      wiroApiUrl: 'http://host.docker.internal:9000/v1',
      wiroSocketUrl: 'ws://host.docker.internal:9000/v1',
      wiroOutputHosts: 'host.docker.internal:9000',
      callbackBaseUrl: 'http://localhost:4566/callback',
    };

    expect(read({ test: 'true', ...simulator })).toMatchObject({ wiroApiUrl: simulator.wiroApiUrl });
  });

  it.each([
    [{ wiroApiUrl: 'https://api.wiro.ai' }, /wiroApiUrl .* must end in \/v1/],
    [{ wiroApiUrl: 'api.wiro.ai/v1' }, /wiroApiUrl .* begins with https:/],
    [{ wiroApiUrl: 'http://api.wiro.ai/v1' }, /wiroApiUrl .* begins with https:.*-c test=true/],
    [{ wiroApiUrl: 'https://user:pass@wiro.example/v1' }, /wiroApiUrl: leave out user/],
    [{ wiroSocketUrl: 'https://socket.wiro.ai/v1' }, /wiroSocketUrl .* begins with wss:/],
    [{ callbackBaseUrl: 'https://x.example/?a=b' }, /callbackBaseUrl: leave out/],
    [{ wiroOutputHosts: 'localhost:9000' }, /wiroOutputHosts .*leave out the port.*-c test=true/],
    [{ wiroOutputHosts: 'https://cdn.wiro.ai' }, /wiroOutputHosts .*give hosts/],
    [{ deployment: 'my_app' }, /deployment is "my_app": use letters/],
    [{ stackName: '1st' }, /stackName is "1st": use letters/],
    [
      { stackName: 'A'.repeat(65) },
      /the deployment is named after its stack, "A+", which is too long .*give a shorter deployment/,
    ],
    [{ parameterPath: 'wiro/x' }, /parameterPath .*begin with "\/"/],
    [{ parameterPath: '/wiro/x/' }, /parameterPath .*end without/],
    [{ parameterPath: '/aws/x' }, /parameterPath .*not with "\/aws"/],
    [{ furtherInputBuckets: 'Not_A_Bucket' }, /furtherInputBuckets .*give names of buckets/],
    [{ secret: 'arn:aws:s3:::bucket' }, /secret is "arn:.*give the name or the whole ARN of a secret/],
    [{ inputBucket: 'Photos' }, /inputBucket is "Photos": give the name of a bucket/],
    [{ outputBucket: 'a,b' }, /outputBucket is "a,b": give the name of a bucket/],
    [{ table: 'a' }, /table is "a": give the name of a DynamoDB table/],
    [{ eventBus: 'my bus' }, /eventBus is "my bus": give the name of an event bus/],
    [{ retentionDays: '0' }, /retentionDays is "0": give a whole number from 1/],
    [{ deadlineMinutes: '1h' }, /deadlineMinutes is "1h": give a whole number/],
    [{ maximumConcurrency: 1.5 }, /maximumConcurrency is "1.5": give a whole number/],
    [{ maximumConcurrency: '1001' }, /maximumConcurrency is 1001: give a whole number from 1 to 1000/],
    [{ maximumGenerationsPerDay: '-3' }, /maximumGenerationsPerDay is "-3": give a whole number/],
    [{ test: 'yes' }, /test is "yes": give -c test=true/],
    [{ durations: '{' }, /durations: .*: give milliseconds by name as JSON, for example/],
    [{ durations: '{"leese":1}' }, /no duration is called "leese"/],
    [{ durations: '5' }, /durations is "5": give milliseconds by name as JSON/],
    [{ presets: '{' }, /presets: .*: give presets by name as JSON, for example .*cdk\.json/],
    [{ reservedConcurrency: 'null' }, /reservedConcurrency is "null": give numbers by function/],
    [{ observability: 'much' }, /observability is "much": give "none" or/],
    [{ inputHandover: 'mail' }, /inputHandover is "mail": give "auto" or/],
    [{ durationDivisor: 'ten' }, /durationDivisor is "ten": give a number from 1/],
    [{ durationDivisor: '0' }, /DURATION_DIVISOR must be a number from 1/],
  ])('refuse %j and say what to do', (given, sentence) => {
    expect(() => stackWith(given)).toThrow(sentence);
  });
});
