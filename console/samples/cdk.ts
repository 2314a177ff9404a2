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

const presetStack = (form: Form, preset: object): string =>
  stackOf(form, { presets: { [slugOf(form)]: preset } }, '', ["import { Stack } from 'aws-cdk-lib';"]);

const scheduleStack = (form: Form): string =>
  stackOf(
    form,
    {},
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
    [
      "import { Duration, Stack } from 'aws-cdk-lib';",
      "import * as scheduler from 'aws-cdk-lib/aws-scheduler';",
      "import { EventBridgePutEvents } from 'aws-cdk-lib/aws-scheduler-targets';",
    ],
  );

function stackOf(
  { model }: Form,
  props: { readonly presets?: object },
  schedule: string,
  imports: readonly string[],
): string {
  const allImports = [
    ...imports,
    "import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';",
    "import { Queue } from 'aws-cdk-lib/aws-sqs';",
    "import type { Construct } from 'constructs';",
    "import { WiroCredentials, WiroGenerations } from 'wiro-serverless';",
  ];
  const properties = [
    'credentials: WiroCredentials.fromParameters()',
    ...Object.entries(props).map(([name, value]) => `${name}: ${toTypeScript(value, '      ')}`),
  ];
  return `${allImports.join('\n')}

export class PicturesStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const wiro = new WiroGenerations(this, 'Wiro', {
${properties.map((line) => `      ${line},\n`).join('')}    });${schedule}

    wiro.onSucceeded('Succeeded', {
      eventPattern: { detail: { model: [${toTypeScript(model)}] } },
      target: new SqsQueue(new Queue(this, 'Finished', { enforceSSL: true })),
    });
  }
}
`;
}
