import { randomUUID } from 'node:crypto';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { generationId } from '../../functions/request/identity.ts';
import type { Presets } from '../../functions/request/preset.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { download, type PlannedFault, type System } from '../support/system.ts';
import type { RecordedRights } from './record-rights.ts';

/** A bucket besides our own that inputs may come from. */
export const FURTHER_BUCKET = 'photos-of-ours';

/** Where requests may name objects of our own bucket, in a deployment that closes the rest of it to them. */
export const INPUT_PREFIXES = ['photos/', 'inputs/temporary/'];

export const PRESETS: Presets = {
  portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' },
};

const PROMPTED = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
const WITH_PHOTO = { model: 'wiro/image-to-image', inputs: { inputImage: 'photos/one.png' } };
/** Over 64 KB: its request lies in S3. */
const OVERSIZED = {
  model: 'wiro/text-to-image',
  parameters: { prompt: 'A hill', notes: 'x'.repeat(70_000) },
};
// Two parts of 8 MiB at most.
const LARGE_OUTPUT = {
  model: 'wiro/simulated-video',
  parameters: { prompt: 'The sea', bytes: 9 * 1024 * 1024 },
};

const ENDS = new Set<unknown>(['succeeded', 'failed', 'cancelled']);

type Body = Readonly<Record<string, unknown>>;

/**
 * Takes the system through everything that it does, good ends and bad ones, so that every function makes every call
 * that it ever makes and every event is told. Settles when nothing is under way any more.
 */
export async function playEveryFlow(system: System, rights: RecordedRights): Promise<void> {
  const { environment, simulator, s3 } = system;
  const { endpoints } = environment;
  const bus = new EventBridgeClient({
    endpoint: endpoints.events,
    region: endpoints.region,
    credentials: LOCAL_CREDENTIALS,
  });

  /** Asks for a generation with faults of its own. */
  async function begin(body: Body, ...faults: readonly PlannedFault[]): Promise<string> {
    const { idempotencyKey, id } = system.plan(...faults);
    const { status, body: answer } = await system.post({ ...body, idempotencyKey });
    if (status !== 202) throw new Error(`The API answered ${status}: ${JSON.stringify(answer)}`);
    return id;
  }

  /** Once it is over and told; `status` is how it has to end. */
  async function end(id: string, status: string) {
    const record = await system.ended(id);
    if (record.status !== status) throw new Error(`It ended otherwise: ${JSON.stringify(record)}`);
    return record;
  }

  const told = (what: string, isIt: (detail: Body) => boolean) =>
    eventually(what, () => environment.events().some(({ detail }) => isIt(detail)));
  const running = (id: string) =>
    told('a task that runs', (detail) => detail.id === id && detail.status === 'running');
  const cancel = (id: string) => system.call('POST', `/generations/${id}/cancel`);
  const putFile = (name: string, content: unknown) =>
    system.put(`requests/${name}.json`, JSON.stringify(content), 'application/json');
  /** Asks by event. @returns The event's id. */
  async function ask(detail: Body): Promise<string> {
    const { Entries } = await bus.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: endpoints.eventBus,
            Source: 'my.app',
            DetailType: 'Generation Requested',
            Detail: JSON.stringify(detail),
          },
        ],
      }),
    );
    return Entries?.[0]?.EventId ?? '';
  }
  const generationOf = (eventId: string) =>
    generationId('local', 'event', JSON.stringify(['event', eventId]));
  /** So many ends of what came by files: request files by their label, dropped ones have none. */
  const endsOf = (file: string | undefined, count: number) =>
    eventually(`${count} ends of ${file ?? 'dropped files'}`, () => {
      const ends = environment
        .events()
        .filter(({ detail }) => detail.origin === 's3' && ENDS.has(detail.status));
      return ends.filter(({ detail }) => (detail.labels as Body).file === file).length >= count;
    });
  const rejectionOf = (requestEventId: string) =>
    told('the rejection', (detail) => detail.requestEventId === requestEventId);
  const fails: PlannedFault = { operation: 'task', fault: { kind: 'fails' } };
  const stuck: PlannedFault = { operation: 'task', fault: { kind: 'stuck' } };
  const refused = (code: number, message: string): PlannedFault => ({
    operation: 'Run',
    fault: { kind: 'error', code, message, work: 'never' },
  });

  await s3.send(new CreateBucketCommand({ Bucket: FURTHER_BUCKET }));
  for (const [Bucket, Key, shade] of [
    [endpoints.inputBucket, 'photos/one.png', 1],
    [FURTHER_BUCKET, 'two.png', 2],
  ] as const)
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: picture(shade), ContentType: 'image/png' }));

  /** One after the other in a story, the stories side by side. */
  const stories: readonly (() => Promise<unknown>)[] = [
    async function successWithInputsAndLinks() {
      const id = await begin({
        model: 'wiro/group-portrait',
        parameters: { prompt: 'Friends', samples: 2 },
        inputs: { inputImages: ['photos/one.png', `s3://${FURTHER_BUCKET}/two.png`] },
        labels: { order: '17' },
      });
      const { outputs } = await end(id, 'succeeded');
      for (const { url } of outputs) await download(url);
      await system.call('GET', '/generations?status=succeeded&label.order=17');
    },
    async function anUploadedInput() {
      const bytes = picture(3);
      const { body } = await system.call(
        'POST',
        '/uploads',
        JSON.stringify({ name: 'three.png', sizeBytes: bytes.length }),
      );
      const { key, url, headers } = body as { key: string; url: string; headers: Record<string, string> };
      await fetch(url, { method: 'PUT', body: new Uint8Array(bytes), headers });
      await end(await begin({ ...WITH_PHOTO, inputs: { inputImage: key } }), 'succeeded');
    },
    async function inputsThatAreNotThere() {
      for (const missing of ['photos/no.png', `s3://${FURTHER_BUCKET}/no.png`])
        await system.post({ ...WITH_PHOTO, inputs: { inputImage: missing } });
      await putFile('missing-input', {
        ...WITH_PHOTO,
        inputs: { inputImage: `s3://${FURTHER_BUCKET}/no.png` },
      });
    },
    async function modelFailureAndRetry() {
      const id = await begin(PROMPTED, { ...fails, times: 1 });
      await end(id, 'failed');
      await system.call('POST', `/generations/${id}/retry`);
      await told('the second attempt', (detail) => detail.eventId === `${id}.2.succeeded`);
    },
    async function refusedRun() {
      await end(await begin(PROMPTED, refused(0, 'Request parameter [prompt] required')), 'failed');
    },
    async function outputThatMayNotBeFetched() {
      const id = await begin(
        { ...PROMPTED, parameters: { prompt: 'A hill', samples: 2 } },
        {
          operation: 'cdn',
          match: { pathIncludes: '/0.png' },
          fault: { kind: 'redirect', location: 'https://127.0.0.1/secret' },
        },
      );
      await end(id, 'failed');
    },
    async function outputThatIsNotWhatItsRecordSays() {
      const wrong = {
        operation: 'task',
        fault: { kind: 'wrongType', contentType: 'image/jpeg', deltaBytes: 7 },
      } as const;
      const refused = {
        operation: 'cdn',
        match: { pathIncludes: '/0.png' },
        fault: { kind: 'redirect', location: 'https://127.0.0.1/secret' },
      } as const;
      const two = { ...PROMPTED, parameters: { prompt: 'A hill', samples: 2 } };
      await Promise.all([
        end(await begin(PROMPTED, wrong), 'succeeded'),
        end(await begin(two, wrong, refused), 'failed'),
      ]);
    },
    async function uploadThatFails() {
      await system.put('photos/three.png', picture(3), 'image/png');
      simulator.faults.add({ operation: 'File/Upload', times: 1, fault: { kind: 'status', status: 503 } });
      await end(await begin({ ...WITH_PHOTO, inputs: { inputImage: 'photos/three.png' } }), 'succeeded');
    },
    async function cancelledAtWiro() {
      const queued = await begin(PROMPTED, {
        operation: 'task',
        fault: { kind: 'stuck', status: 'task_queue' },
      });
      const started = await begin(PROMPTED, stuck);
      for (const id of [queued, started]) {
        await running(id);
        await cancel(id);
        await end(id, 'cancelled');
      }
      // By somebody else, and not for free.
      const like = { operation: 'task', fault: { kind: 'cancelled', likeSample: true } } as const;
      await end(await begin(PROMPTED, like), 'cancelled');
    },
    async function calledBackBeforeTheRunWasAnswered() {
      await end(await begin(PROMPTED, { operation: 'Run', fault: { kind: 'afterCallback' } }), 'succeeded');
    },
    async function requestFiles() {
      // The photo has been at Wiro before, or will be: the same bytes go there once.
      const labels = { file: 'several' };
      // Rejected first, then corrected: the rejection goes.
      await putFile('several', { model: 'no-owner' });
      await eventually('the rejection', async () =>
        (await system.keys(endpoints.inputBucket, 'rejected/several.json')).at(0),
      );
      await putFile('several', [
        { ...WITH_PHOTO, labels },
        { ...PROMPTED, labels },
      ]);
      await putFile('wrong', { model: 'no-owner' });
      // Deleted again before its event was delivered.
      await environment.invoke('submit', {
        Records: [{ s3: { bucket: { name: endpoints.inputBucket }, object: { key: 'requests/gone.json' } } }],
      });
      await endsOf('several', 2);
    },
    async function requestFileThatEndsBeforeItRuns() {
      const poor = { model: 'wiro/no-parameters', labels: { file: 'refused' } };
      simulator.faults.add({
        operation: 'Run',
        match: { model: poor.model },
        fault: { kind: 'error', code: 97, message: 'Insufficient balance', work: 'never' },
      });
      await putFile('refused', [poor, poor]);
      await endsOf('refused', 2);
    },
    async function droppedFiles() {
      await system.put('uploads/portraits/Anna.PNG', picture(4), 'image/png');
      await system.put('uploads/nobody/Anna.png', picture(4), 'image/png');
      await endsOf(undefined, 1);
    },
    async function events() {
      await ask({ ...WITH_PHOTO, idempotencyKey: randomUUID(), labels: { order: '18' } });
      await end(generationOf(await ask(OVERSIZED)), 'succeeded');
      await told(
        'an end',
        ({ labels, status }) => (labels as Body)?.order === '18' && status === 'succeeded',
      );
      await rejectionOf(await ask({ model: 'wiro/text-to-image' }));
      await rejectionOf(await ask({ ...PROMPTED, unknown: true }));
    },
    async function largeOutput() {
      // Its second part cannot be had at first: what was uploaded of it is taken back.
      const unavailable = {
        operation: 'cdn',
        times: 2,
        match: { nth: [2, 3] },
        fault: { kind: 'status', status: 500 },
      } as const;
      await end(await begin(LARGE_OUTPUT, unavailable), 'succeeded');
    },
    async function outputWhosePlaceIsTaken() {
      const { idempotencyKey, id } = system.plan();
      await s3.send(
        new PutObjectCommand({
          Bucket: endpoints.outputBucket,
          Key: `outputs/${id}/1/0-0.png`,
          Body: 'what another holder of the claim has put',
        }),
      );
      await system.post({ ...PROMPTED, idempotencyKey });
      await end(id, 'succeeded');
    },
    async function oversizedRequest() {
      await end(await begin(OVERSIZED), 'succeeded');
    },
  ];
  await Promise.all(stories.map((story) => story()));

  // With a limit for all, so by itself: one runs, one is cancelled in line, one comes after it. Without the schedule
  // nobody but the functions themselves can move the line.
  environment.schedule.off();
  simulator.set({ concurrencyLimit: 1 });
  const first = await begin(PROMPTED, stuck);
  await running(first);
  const inLine = await begin(PROMPTED);
  const last = await begin(PROMPTED);
  await eventually('two in line', async () =>
    (await Promise.all([inLine, last].map(system.item))).every((item) => item?.waiting === true),
  );
  await system.read(last);
  await environment.invoke('reconcile', {});
  for (const id of [inLine, first]) await cancel(id);
  await end(last, 'succeeded');
  simulator.set({ concurrencyLimit: null });
  environment.schedule.on();

  // Retried before anybody was told that it had failed: whoever tried to tell has given up by then.
  environment.schedule.off();
  const failed = await rights.without(['submit EventBridge', 'callback EventBridge'], async () => {
    const id = await begin(PROMPTED, { ...fails, times: 1 });
    await eventually('a failure', async () => (await system.item(id))?.status === 'failed');
    await environment.idle();
    await system.call('POST', `/generations/${id}/retry`);
    await environment.idle();
    return id;
  });
  environment.schedule.on();
  await told('the first attempt', ({ eventId }) => eventId === `${failed}.1.failed`);

  // What was lost on the way, `reconcile` makes good: invocations, callbacks, and what was to be told.
  await rights.without(['api Lambda', 'submit EventBridge', 'callback EventBridge'], async () => {
    const labels = { file: 'told-late' };
    const lost = await begin(PROMPTED, { operation: 'callback', fault: { kind: 'lost' } });
    await putFile('told-late', { ...OVERSIZED, labels });
    await system.put('uploads/portraits/Late.png', picture(5), 'image/png');
    await end(lost, 'succeeded');
    await endsOf('told-late', 1);
    await putFile('told-late', { ...PROMPTED, labels });
    await endsOf('told-late', 2);
    await endsOf(undefined, 2);
  });
  // `callback` can put no answers either. What fails has no outputs that it would have to store.
  await rights.without(['callback S3', 'callback EventBridge'], async () => {
    simulator.faults.add({ operation: 'task', times: 2, fault: { kind: 'fails' } });
    await putFile('failed', { ...PROMPTED, labels: { file: 'failed' } });
    await system.put('uploads/portraits/Unlucky.png', picture(6), 'image/png');
    await endsOf('failed', 1);
    await endsOf(undefined, 3);
  });

  environment.schedule.off();
  await environment.idle();
  bus.destroy();
  await checkAnswers(system);
}

/** What was put into the buckets for those who asked by files. */
async function checkAnswers({ keys, environment }: System): Promise<void> {
  const { inputBucket, outputBucket } = environment.endpoints;
  const found = [
    ...(await keys(inputBucket, 're')).filter((key) => !key.startsWith('requests/')),
    ...(await keys(outputBucket, 'outputs/')).filter((key) => /\/result\.(?:json|html)$/.test(key)),
  ].map((key) =>
    key
      .replace(/\/\d{8}T\d{6}-(.*)-[a-z2-7]{6}\//, '/<time>-$1-<id>/')
      .replace(/\/20[\dTZ-]+-[a-z2-7]{26}\.json$/, '/<put>.json'),
  );
  const wanted = [
    'rejected/missing-input.json',
    'rejected/wrong.json',
    'results/failed.json/<put>.json',
    'results/refused.json/<put>.json',
    'results/several.json/<put>.json',
    'results/told-late.json/<put>.json',
    'results/told-late.json/<put>.json',
    'outputs/nobody/<time>-Anna.png-<id>/result.html',
    'outputs/nobody/<time>-Anna.png-<id>/result.json',
    'outputs/portraits/<time>-Anna.png-<id>/result.html',
    'outputs/portraits/<time>-Anna.png-<id>/result.json',
    'outputs/portraits/<time>-Late.png-<id>/result.html',
    'outputs/portraits/<time>-Late.png-<id>/result.json',
    'outputs/portraits/<time>-Unlucky.png-<id>/result.html',
    'outputs/portraits/<time>-Unlucky.png-<id>/result.json',
  ];
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`Other answers were put than ${wanted}: ${found}`);
}
