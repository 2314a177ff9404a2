import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS, type FunctionName } from '../../../functions/functions.ts';
import { METRICS, type MetricName } from '../../../functions/runtime/metrics.ts';
import { WiroGenerations } from '../../../infra/construct/wiro-generations.ts';
import { WiroCredentials } from '../../../infra/wiro-credentials.ts';
import { ALL_CODE, createApp, type Resource, resourcesOf, synthesize, toText } from '../synthesize.ts';

let standard: Template;
let full: Template;
let none: Template;
beforeAll(() => {
  standard = synthesize();
  full = synthesize({ observability: 'full' });
  none = synthesize({ observability: 'none' });
}, 60_000);

const HANDBOOK = readFileSync(path.resolve(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
/** The handbook's section about each alarm, by heading. */
const SECTIONS = new Map(
  HANDBOOK.split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section] as const),
);

const ALARMS = ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'];
const alarmsOf = (template: Template) => ALARMS.flatMap((type) => resourcesOf(template, type));
/** The anchor of the section that an alarm's description links to. */
const sectionOf = ({ Properties }: Resource) =>
  /docs\/operations\.md#([a-z]+)$/.exec(String(Properties.AlarmDescription))?.[1];

const functionOf = (template: Template, name: FunctionName) => {
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(([, { Properties }]) =>
    String(Properties.Description).startsWith(FUNCTIONS[name].description),
  );
  if (!found) throw new Error(`The template has no function ${name}`);
  return found;
};
const NAMES = Object.keys(FUNCTIONS) as FunctionName[];

describe('the handbook', () => {
  it('has a section for every alarm, and an alarm for every section', () => {
    const anchors = [...SECTIONS.keys()].map((heading) => heading.toLowerCase());

    expect(
      alarmsOf(full)
        .map(([, alarm]) => sectionOf(alarm))
        .toSorted(),
    ).toEqual(anchors.toSorted());
    for (const [id, alarm] of alarmsOf(full))
      expect(id.toLowerCase(), 'its construct id is its heading').toContain(sectionOf(alarm));
  });

  it('explains each alarm’s meaning, threshold, where to look, and remedy', () => {
    for (const [heading, section] of SECTIONS)
      for (const part of ['**Meaning.**', '**Threshold.**', '**Where to look.**', '**Remedy.**'])
        expect(section, heading).toContain(part);
  });

  it('is not needed for the remedy, which each alarm’s description contains', () => {
    for (const [id, { Properties }] of alarmsOf(full)) {
      const description = String(Properties.AlarmDescription);
      const [, remedy = ''] = /^[^.]+\. (.+) More: docs\/operations\.md#[a-z]+$/.exec(description) ?? [];
      expect(remedy, id).toMatch(/\b(?:look|add|cancel|read|invoke|run|fix|request|increase|do)\b/i);
      // CloudWatch's limit.
      expect(description.length, id).toBeLessThanOrEqual(1_024);
      expect(description, id).not.toMatch(/npm run|\.ts\b/);
    }
  });

  it('names every metric', () => {
    for (const name of Object.keys(METRICS)) expect(HANDBOOK).toContain(`\`${name}\``);
  });
});

describe('observability: standard', () => {
  it('stays within the free tier: ten alarms on one metric each, one dashboard, ten metrics and a rare one', () => {
    const alarms = resourcesOf(standard, 'AWS::CloudWatch::Alarm');

    expect(alarms).toHaveLength(10);
    for (const [id, { Properties }] of alarms) {
      expect(Properties, id).toHaveProperty('MetricName');
      expect(Properties, id).not.toHaveProperty('Metrics');
    }
    standard.resourceCountIs('AWS::CloudWatch::CompositeAlarm', 0);
    standard.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    // Written at most once a day. CloudWatch bills a metric only for the hours in which it has values.
    const rare: MetricName = 'UploadsRefused';
    expect(Object.keys(METRICS).filter((name) => name !== rare)).toHaveLength(10);
  });

  it('shows fewer metrics than a free dashboard’s fifty', () => {
    const [dashboard] = resourcesOf(standard, 'AWS::CloudWatch::Dashboard');
    const { widgets } = JSON.parse(toText(dashboard?.[1].Properties.DashboardBody)) as {
      widgets: readonly { properties: { metrics?: readonly unknown[] } }[];
    };

    const shown = widgets.flatMap(({ properties }) => properties.metrics ?? []);
    expect(shown.length).toBeGreaterThan(15);
    expect(shown.length).toBeLessThan(50);
  });

  it('watches its functions and its queue through AWS’s metrics', () => {
    const queue = resourcesOf(standard, 'AWS::SQS::Queue')[0]?.[0];
    const watched = resourcesOf(standard, 'AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) => {
      const {
        Namespace,
        MetricName,
        Dimensions = [],
      } = Properties as {
        Namespace: string;
        MetricName: string;
        Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
      };
      const dimensions = Dimensions.map(({ Name, Value }) => `${Name}=${toText(Value)}`);
      return Namespace === 'WiroGenerations' ? [] : [[Namespace, MetricName, ...dimensions].join(' ')];
    });

    expect(watched.toSorted()).toEqual(
      [
        `AWS/Lambda Url5xxCount FunctionName=<${functionOf(standard, 'api')[0]}>`,
        `AWS/Lambda Url5xxCount FunctionName=<${functionOf(standard, 'callback')[0]}>`,
        'AWS/Lambda Throttles',
        `AWS/SQS ApproximateNumberOfMessagesVisible QueueName=<${queue}.QueueName>`,
      ].toSorted(),
    );
  });

  it('treats missing data as a problem only for the alarm that watches reconcile itself', () => {
    const ringing = resourcesOf(standard, 'AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties.TreatMissingData !== 'notBreaching',
    );

    expect(ringing.map(([, alarm]) => sectionOf(alarm))).toEqual(['reconcilestopped']);
  });

  it('traces functions that callers and Wiro wait for, not the scheduled one', () => {
    const traced = NAMES.filter(
      (name) => functionOf(standard, name)[1].Properties.TracingConfig !== undefined,
    );

    expect(traced).toEqual(['api', 'submit', 'callback']);
    for (const name of traced)
      expect(functionOf(standard, name)[1].Properties.TracingConfig).toEqual({ Mode: 'Active' });
  });

  it('gives the functions the metric namespace and dimension that alarms use', () => {
    for (const name of NAMES)
      expect(functionOf(standard, name)[1].Properties.Environment).toMatchObject({
        Variables: { METRICS_NAMESPACE: 'WiroGenerations', DEPLOYMENT: 'WiroServerless' },
      });
    standard.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'WiroGenerations',
      MetricName: 'Failed',
      Dimensions: [{ Name: 'Deployment', Value: 'WiroServerless' }],
    });
  });

  it('sends its alarms to the given topic', () => {
    const alarmTopic = 'arn:aws:sns:us-east-1:123456789012:on-call';

    const told = alarmsOf(synthesize({ alarmTopic, observability: 'full' }));

    expect(told).toHaveLength(13);
    for (const [id, { Properties }] of told)
      expect([Properties.AlarmActions, Properties.OKActions], id).toEqual([[alarmTopic], [alarmTopic]]);
  });
});

describe('observability: full', () => {
  it('also compares metrics, and combines all urgent alarms into one', () => {
    const more = alarmsOf(full).filter(([, { Properties }]) => !('MetricName' in Properties));

    expect(more.map(([, alarm]) => sectionOf(alarm))).toEqual(['failurerate', 'functionerrors', 'urgent']);
    const [composite] = resourcesOf(full, 'AWS::CloudWatch::CompositeAlarm');
    const rule = toText(composite?.[1].Properties.AlarmRule);
    const urgent = ['SecondTask', 'InsufficientBalance', 'FruitlessLooks', 'ReconcileStopped', 'DeadLetters'];
    expect(rule.match(/ALARM/g)).toHaveLength(urgent.length);
    for (const name of urgent) expect(rule).toContain(`Observability${name}`);
  });
});

describe('observability: none', () => {
  it('has no alarm, dashboard, metric or trace', () => {
    expect(alarmsOf(none)).toEqual([]);
    none.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    for (const name of NAMES) {
      const { Environment, TracingConfig } = functionOf(none, name)[1].Properties;
      expect([name, TracingConfig]).toEqual([name, undefined]);
      expect((Environment as { Variables: object }).Variables).not.toHaveProperty('METRICS_NAMESPACE');
    }
  });

  it('still keeps dead letters', () => {
    none.resourceCountIs('AWS::SQS::Queue', 1);
  });
});

describe('dead letters', () => {
  it('stay encrypted for two weeks in a queue that requires TLS', () => {
    standard.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    });
    standard.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('come from functions that are invoked asynchronously, which may send to no other queue', () => {
    const [queue = ''] = resourcesOf(standard, 'AWS::SQS::Queue').map(([id]) => id);
    const sending = resourcesOf(standard, 'AWS::Lambda::EventInvokeConfig').flatMap(([, { Properties }]) => {
      const { FunctionName: name, DestinationConfig } = Properties;
      return DestinationConfig === undefined ? [] : [[toText(name), JSON.stringify(DestinationConfig)]];
    });

    const destination = JSON.stringify({ OnFailure: { Destination: { 'Fn::GetAtt': [queue, 'Arn'] } } });
    expect(new Set(sending.map(String))).toEqual(
      new Set(
        (['submit', 'callback'] as const).map((name) =>
          String([`<${functionOf(standard, name)[0]}>`, destination]),
        ),
      ),
    );
    const rights = resourcesOf(standard, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
      (Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] }).Statement.filter(
        ({ Action }) => String(Action).includes('sqs:'),
      ),
    );
    expect(rights.map(({ Action, Resource }) => [Action, toText(Resource)])).toEqual([
      ['sqs:SendMessage', `<${queue}.Arn>`],
      ['sqs:SendMessage', `<${queue}.Arn>`],
    ]);
  });

  it('include events that the bus could not deliver', () => {
    const [queue = ''] = resourcesOf(standard, 'AWS::SQS::Queue').map(([id]) => id);

    standard.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'detail-type': ['Generation Requested'] },
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queue, 'Arn'] } } })],
    });
  });
});

describe('logs', () => {
  it('are JSON, and omit Lambda’s info lines for the scheduled function and those with a URL', () => {
    const configured = NAMES.map((name) => {
      const { LogFormat, SystemLogLevel } = functionOf(standard, name)[1].Properties.LoggingConfig as Record<
        string,
        string
      >;
      return [name, LogFormat, SystemLogLevel];
    });

    expect(configured).toEqual([
      ['api', 'JSON', 'WARN'],
      ['submit', 'JSON', undefined],
      ['callback', 'JSON', 'WARN'],
      ['reconcile', 'JSON', 'WARN'],
    ]);
  });
});

describe('the metrics of a `WiroGenerations`', () => {
  const inStack = () =>
    new WiroGenerations(new Stack(createApp(), 'Shop'), 'Wiro', {
      code: ALL_CODE,
      credentials: WiroCredentials.fromParameters({ path: '/wiro/shop' }),
      deployment: 'shop',
    });

  it('are available by name, each with a fitting statistic', () => {
    const wiro = inStack();

    const offered = {
      Accepted: wiro.metricAccepted(),
      Succeeded: wiro.metricSucceeded(),
      Failed: wiro.metricFailed(),
      Cancelled: wiro.metricCancelled(),
      CostUsd: wiro.metricCostUsd(),
      TimeToResult: wiro.metricTimeToResult(),
      OldestWaitingAge: wiro.metricOldestWaitingAge(),
      SecondTask: wiro.metric('SecondTask'),
    } satisfies Partial<Record<MetricName, unknown>>;

    for (const [name, metric] of Object.entries(offered))
      expect([metric.namespace, metric.metricName, metric.dimensions]).toEqual([
        'WiroGenerations',
        name,
        { Deployment: 'shop' },
      ]);
    const { Failed, TimeToResult, OldestWaitingAge } = offered;
    expect([Failed.statistic, TimeToResult.statistic, OldestWaitingAge.statistic]).toEqual([
      'Sum',
      'p90',
      'Maximum',
    ]);
  });

  it('accept options like every CDK metric', () => {
    expect(inStack().metricTimeToResult({ statistic: 'p50', label: 'median' })).toMatchObject({
      statistic: 'p50',
      label: 'median',
    });
  });
});
