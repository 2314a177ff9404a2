import { type Form, requestOf, type Sample, slugOf } from './form.ts';
import { presetOf } from './preset.ts';
import { toTypeScript } from './quote.ts';

/** A form with files becomes a preset, one without a schedule. Both have a rule for what comes of it. */
export function cdkSample(form: Form): Sample {
  const preset = presetOf(form);
  return {
    id: 'cdk',
    title: 'CDK',
    language: 'ts',
    text: preset === undefined ? scheduleStack(form) : presetStack(form, preset),
    note:
      preset === undefined
        ? 'Runs the request once a day, and sends each success to a queue.'
        : `Runs the model with each file put under uploads/${slugOf(form)}/ in the input bucket, and sends each success to a queue.`,
  };
}

type Preset = NonNullable<ReturnType<typeof presetOf>>;

function presetStack(form: Form, preset: Preset): string {
  const buckets = bucketsOf(preset);
  const properties = [
    `presets: ${toTypeScript({ [slugOf(form)]: preset }, '      ')}`,
    ...(buckets.length > 0
      ? [
          `furtherInputBuckets: ${toTypeScript(buckets)}.map((name) => Bucket.fromBucketName(this, name, name))`,
        ]
      : []),
  ];
  return stackOf(form, properties, [
    "import { Stack } from 'aws-cdk-lib';",
    ...(buckets.length > 0 ? ["import { Bucket } from 'aws-cdk-lib/aws-s3';"] : []),
  ]);
}

/** The buckets of a preset's own inputs, besides the input bucket. */
const bucketsOf = ({ inputs = {} }: Preset): readonly string[] => [
  ...new Set(
    Object.values(inputs)
      .flat()
      .flatMap((source) => /^s3:\/\/([^/]+)\//.exec(source)?.[1] ?? []),
  ),
];

const scheduleStack = (form: Form): string =>
  stackOf(
    form,
    [],
    [
      "import { Duration, Stack } from 'aws-cdk-lib';",
      "import * as scheduler from 'aws-cdk-lib/aws-scheduler';",
      "import { EventBridgePutEvents } from 'aws-cdk-lib/aws-scheduler-targets';",
    ],
    `

    new scheduler.Schedule(this, 'Daily', {
      schedule: scheduler.ScheduleExpression.rate(Duration.days(1)),
      target: new EventBridgePutEvents({
        eventBus: wiro.eventBus,
        source: 'my.app',
        detailType: 'Generation Requested',
        detail: scheduler.ScheduleTargetInput.fromObject(${toTypeScript(requestOf(form), '        ')}),
      }),
    });`,
  );

function stackOf(
  { model }: Form,
  properties: readonly string[],
  imports: readonly string[],
  schedule = '',
): string {
  const allImports = [
    ...imports,
    "import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';",
    "import { Queue } from 'aws-cdk-lib/aws-sqs';",
    "import type { Construct } from 'constructs';",
    "import { WiroCredentials, WiroGenerations } from 'wiro-serverless';",
  ];
  const allProperties = ['credentials: WiroCredentials.fromParameters()', ...properties];
  return `${allImports.join('\n')}

export class PicturesStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const wiro = new WiroGenerations(this, 'Wiro', {
${allProperties.map((line) => `      ${line},\n`).join('')}    });${schedule}

    wiro.onSucceeded('Succeeded', {
      eventPattern: { detail: { model: [${toTypeScript(model)}] } },
      target: new SqsQueue(new Queue(this, 'Finished', { enforceSSL: true })),
    });
  }
}
`;
}
