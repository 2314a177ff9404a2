import { Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { PREFIX } from '../../functions/objects/prefix.ts';
import { parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import { METRIC_NAMESPACE, type MetricName } from '../../functions/runtime/metrics.ts';
import { PARAMETER, WIRO_DEFAULTS } from '../../functions/settings.ts';
import { checkProps, requireCredentials, requireProps } from '../checks/check-props.ts';
import { inputBucketName, withoutSlashAtEnd } from '../checks/form.ts';
import { refuseTwins } from '../checks/refuse-twins.ts';
import { refuseTriggerLoops } from '../checks/trigger-loops.ts';
import { generationMetric } from '../observability/metrics.ts';
import { Observability } from '../observability/observability.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import { BroughtBucket } from './brought-bucket.ts';
import { DeadLetters } from './dead-letters.ts';
import { GenerationTable } from './generation-table.ts';
import { grantAcross } from './grant-across.ts';
import { grantKey, OBJECT_KEY, TABLE_KEY } from './grant-keys.ts';
import { GRANTS, INVOKES } from './grants.ts';
import { placesOf } from './places.ts';
import { PrivateBucket } from './private-bucket.ts';
import { shippedCode } from './shipped-code.ts';
import { TriggeringBucket } from './triggering-bucket.ts';
import { type Environment, WiroFunction } from './wiro-function.ts';

/** Functions that are invoked asynchronously: Lambda tries them three times. */
const STARTED_LATER: ReadonlySet<FunctionName> = new Set(Object.values(INVOKES).flat());
/** `source` of every event that generations put on the bus. */
const SOURCE = 'wiro.generations';
/** Where whoever submits may put objects; elsewhere in the input bucket are answers. */
const SUBMITTED = ['inputs/', PREFIX.requests, PREFIX.uploads];

/** Generations on Wiro: requests in, finished outputs in a bucket, records in a table, outcomes on an event bus. */
export class WiroGenerations<OutputBucket extends s3.IBucket = s3.Bucket> extends Construct {
  /** Records of generations, and everything that is still to be done. */
  readonly table: dynamodb.ITable;
  /** Inputs, request files under `requests/`, dropped files under `uploads/`; answers under `results/` and `rejected/`. */
  readonly inputBucket: s3.IBucket;
  /** Finished outputs, under `outputs/`. As it was given; the one made here takes rules of yours, such as a lifecycle's. */
  readonly outputBucket: OutputBucket | s3.Bucket;
  /** `Generation Requested` in; outcomes out. See `onSucceeded`, `onFailed` and `onCancelled`. */
  readonly eventBus: events.IEventBus;
  /** Part of every generation's id, callback URL and event. */
  readonly deployment: string;
  /** The HTTP API, for requests signed by a principal with `grantSubmit` or `grantCallApi`. */
  readonly apiUrl: string;
  /** Where Wiro reports ends, without a slash at the end. */
  readonly callbackUrl: string;
  /** For settings that this construct has no word for. Their environment and rights are complete as they are. */
  readonly functions: Readonly<Record<FunctionName, lambda.Function>>;
  /** Asynchronous invocations and events that were given up. Generations do not depend on it; see docs/operations.md. */
  readonly deadLetters: sqs.Queue;
  /** Alarms and dashboard; `undefined` with `observability: 'none'`. */
  readonly observability: Observability | undefined;

  /**
   * Makes the deployment: functions, rights, triggers, and whatever of table, buckets and bus was not given.
   * @param id - The construct's id: another one replaces table and buckets, which begin empty.
   * @throws {ConfigurationError} When the deployment cannot work as `props` have it: nothing is made halfway.
   */
  constructor(scope: Construct, id: string, props: WiroGenerationsProps<OutputBucket>) {
    super(scope, id);
    requireProps(this, props);
    refuseTriggerLoops();
    const { stackName } = Stack.of(this);
    const { path: parameterPath = `/wiro/${stackName}`, secret } = requireCredentials(this, props);
    const {
      deployment = stackName,
      namePrefix = deployment,
      furtherInputBuckets = [],
      inputPrefixes = [],
      presets = {},
      removalPolicy = RemovalPolicy.RETAIN,
      retention,
      observability = 'standard',
    } = props;
    checkProps(this, props, { deployment, namePrefix, path: parameterPath });
    const code = props.code ?? shippedCode(this);
    const hasPresets = Object.keys(presets).length > 0;

    const table = props.table ?? new GenerationTable(this, 'Table', { removalPolicy });
    const inputs = props.inputBucket
      ? new BroughtBucket(this, 'InputBucket', props.inputBucket)
      : new TriggeringBucket(this, 'Inputs', {
          bucketName: inputBucketName(namePrefix),
          removalPolicy,
          ...(retention && { retention }),
        });
    const outputBucket =
      props.outputBucket ??
      new PrivateBucket(this, 'Outputs', {
        removalPolicy,
        // Large requests beside them are a part of their records, which stay.
        ...(retention && { retention, retentionPrefix: PREFIX.outputs }),
      });
    const eventBus = props.eventBus ?? new events.EventBus(this, 'Events', { eventBusName: namePrefix });
    refuseTwins(this, {
      deployment,
      credentials: parameterPath,
      table: table.tableName,
      inputBucket: (props.inputBucket ?? inputs.bucket).bucketName,
      eventBus: eventBus.eventBusName,
      ...(!props.eventBus && { namePrefix }),
      // Further names in one stack end alike.
      ...(!props.inputBucket && {
        'namePrefix, as the input bucket spells it,': `${inputBucketName(namePrefix)} in ${Stack.of(this).node.path}`,
      }),
    });

    const durations = {
      ...props.durations,
      ...(props.deadline && { deadline: props.deadline.toMilliseconds() }),
      ...(props.maximumWait && { maximumWait: props.maximumWait.toMilliseconds() }),
    };
    const told: Environment = {
      deployment,
      table: table.tableName,
      inputBucket: inputs.nameAhead,
      furtherInputBuckets: furtherInputBuckets.map((bucket) => bucket.bucketName).join(',') || undefined,
      furtherModelKinds: props.furtherModelKinds?.join(',') || undefined,
      inputPrefixes: inputPrefixes.length > 0 ? JSON.stringify(inputPrefixes) : undefined,
      outputBucket: outputBucket.bucketName,
      eventBus: eventBus.eventBusName,
      parameterPath,
      secretArn: secret?.secretArn,
      presets: hasPresets ? JSON.stringify(presets) : undefined,
      maximumConcurrency: props.maximumConcurrency?.toString(),
      maximumCollects: props.maximumCollects?.toString(),
      maximumGenerationsPerDay: props.maximumGenerationsPerDay?.toString(),
      wiroApiUrl: withoutSlashAtEnd(props.wiroApiUrl ?? WIRO_DEFAULTS.apiUrl),
      wiroSocketUrl: withoutSlashAtEnd(props.wiroSocketUrl ?? WIRO_DEFAULTS.socketUrl),
      wiroOutputHosts: props.wiroOutputHosts?.join(',') ?? WIRO_DEFAULTS.outputHosts,
      inputHandover: props.inputHandover ?? 'auto',
      metricsNamespace: observability === 'none' ? undefined : METRIC_NAMESPACE,
      durations: Object.keys(durations).length > 0 ? JSON.stringify(durations) : undefined,
      durationDivisor: props.durationDivisor?.toString(),
    };
    const deadLetters = new DeadLetters(this, 'DeadLetters');
    const reservedFor = (name: FunctionName) => {
      const reservedConcurrency = props.reservedConcurrency?.[name];
      return reservedConcurrency === undefined ? {} : { reservedConcurrency };
    };
    const add = (id: string, name: FunctionName, environment: Environment, maxEventAge?: Duration) =>
      new WiroFunction(this, id, {
        describedBy: FUNCTIONS[name],
        code: code[name],
        environment,
        ...(STARTED_LATER.has(name) && { onFailure: deadLetters.destination }),
        isTraced: observability !== 'none' && !FUNCTIONS[name].everyMinute,
        ...(maxEventAge && { maxEventAge }),
        ...reservedFor(name),
        ...(props.logRetention !== undefined && { logRetention: props.logRetention }),
      });
    // Each is told the names of those before it alone: CloudFormation forbids circles. `submit` finds its own name
    // in AWS_LAMBDA_FUNCTION_NAME and that of `callback` in a parameter.
    const submit = add('Submit', 'submit', told);
    const toldSubmit = { ...told, submitFunction: submit.function.functionName };
    // Whatever `callback` starts later is due anyway: `reconcile` is there before a longer wait would end.
    const callback = add('Callback', 'callback', toldSubmit, Duration.minutes(15));
    const toldBoth = { ...toldSubmit, callbackFunction: callback.function.functionName };
    const reconcile = add('Reconcile', 'reconcile', toldBoth);
    const api = add('Api', 'api', toldBoth);
    const functions = { api, submit, callback, reconcile };

    const parameter = (name: string) => `${parameterPath}/${name}`;
    const callbackBaseUrl = withoutSlashAtEnd(props.callbackBaseUrl ?? withoutSlash(urlOf(callback)));
    new ssm.StringParameter(this, 'CallbackBaseUrl', {
      description: 'Where Wiro reaches the callback function. Written by the stack.',
      parameterName: parameter(PARAMETER.callbackBaseUrl),
      stringValue: callbackBaseUrl,
    });
    new ssm.StringParameter(this, 'CallbackFunction', {
      description: 'Name of the callback function. Written by the stack.',
      parameterName: parameter(PARAMETER.callbackFunction),
      stringValue: callback.function.functionName,
    });

    const places = placesOf(this, {
      table,
      inputBucketArn: inputs.arnAhead,
      furtherInputBuckets,
      inputBucketName: inputs.nameAhead,
      inputPrefixes: parseInputPrefixes(inputPrefixes, inputs.nameAhead),
      hasPresets,
      outputBucket,
      eventBus,
      parameterPath,
      secret,
    });
    for (const name of Object.keys(functions) as FunctionName[]) {
      for (const { actions, on } of GRANTS[name])
        if (places[on].length > 0) functions[name].allow(actions, places[on]);
      functions[name].allowInvoking(INVOKES[name].map((other) => functions[other]));
      for (const { needs, ...objects } of FUNCTIONS[name].objectsCreated ?? [])
        if (needs !== 'presets' || hasPresets) inputs.startFor(objects, functions[name].function);
      const { eventsPut } = FUNCTIONS[name];
      if (eventsPut)
        new events.Rule(this, `${name}Requested`, {
          description: `Starts ${name} for each ${eventsPut.join(', ')}.`,
          eventBus,
          eventPattern: { detailType: [...eventsPut] },
          targets: [new targets.LambdaFunction(functions[name].function, { deadLetterQueue: deadLetters })],
        });
    }
    const all = Object.values(functions).map((each) => each.function);
    grantKey(table.encryptionKey, TABLE_KEY, all);
    grantKey(props.inputBucket?.encryptionKey, OBJECT_KEY, all);
    grantKey(props.outputBucket?.encryptionKey, OBJECT_KEY, all);
    for (const { encryptionKey } of furtherInputBuckets)
      grantKey(encryptionKey, ['kms:Decrypt'], [api.function, submit.function]);
    grantKey(secret?.encryptionKey, ['kms:Decrypt'], [api.function, submit.function, callback.function]);

    this.table = table;
    this.inputBucket = inputs.bucket;
    this.outputBucket = outputBucket;
    this.eventBus = eventBus;
    this.deployment = deployment;
    this.apiUrl = urlOf(api);
    this.callbackUrl = callbackBaseUrl;
    this.functions = {
      api: api.function,
      submit: submit.function,
      callback: callback.function,
      reconcile: reconcile.function,
    };
    this.deadLetters = deadLetters;
    this.observability =
      observability === 'none'
        ? undefined
        : new Observability(this, 'Observability', {
            level: observability,
            deployment,
            functions: this.functions,
            deadLetters,
          });
  }

  /**
   * Lets `grantee` request generations in every way: signed calls of the API, objects put under `inputs/`,
   * `requests/` and `uploads/` in the input bucket, `Generation Requested` put on the bus.
   *
   * The API as a whole: a Function URL's rights know no paths, so this can read, cancel and retry too.
   */
  grantSubmit(grantee: iam.IGrantable): iam.Grant {
    this.grantKeyOf(this.inputBucket, OBJECT_KEY, grantee);
    const put = grantAcross(this, {
      grantee,
      actions: ['s3:PutObject'],
      resourceArns: SUBMITTED.map((prefix) => this.inputBucket.arnForObjects(`${prefix}*`)),
      resource: this.inputBucket,
    });
    const request = grantAcross(this, {
      grantee,
      actions: ['events:PutEvents'],
      resourceArns: [this.eventBus.eventBusArn],
      // On the same bus are the outcomes: nobody else announces one.
      conditions: { StringEquals: { 'events:detail-type': 'Generation Requested' } },
      resource: this.eventBus,
    });
    return this.grantCallApi(grantee).combine(put).combine(request);
  }

  /** Lets `grantee` call the API, all of it, with signed requests. */
  grantCallApi(grantee: iam.IGrantable): iam.Grant {
    return this.functions.api.grantInvokeUrl(grantee);
  }

  /**
   * Lets `grantee` read what came of generations: outputs, and the answers to request files, with the names of what
   * lies in both buckets. Not the record, which the API alone answers (`grantCallApi`): an event and a `result.json`
   * say the same of an end.
   */
  grantRead(grantee: iam.IGrantable): iam.Grant {
    const answers = [PREFIX.results, PREFIX.rejected].map((prefix) =>
      this.inputBucket.arnForObjects(`${prefix}*`),
    );
    const outputs = [this.outputBucket.arnForObjects(`${PREFIX.outputs}*`)];
    const grants = (
      [
        [this.outputBucket, outputs],
        [this.inputBucket, answers],
      ] as const
    ).flatMap(([resource, resourceArns]) => {
      this.grantKeyOf(resource, ['kms:Decrypt'], grantee);
      return [
        grantAcross(this, { grantee, actions: ['s3:GetObject'], resourceArns, resource }),
        // Without it, what is not there yet is answered as if it were forbidden.
        grantAcross(this, {
          grantee,
          actions: ['s3:ListBucket'],
          resourceArns: [resource.bucketArn],
          resource,
        }),
      ];
    });
    return grants.reduce((all, one) => all.combine(one));
  }

  /**
   * Does something for each generation that succeeded: its outputs are in the bucket by then.
   *
   * Events come at least once; `detail.eventId` is the same for every delivery.
   * @param id - The rule's, in this construct.
   * @returns The rule, for further targets.
   */
  onSucceeded(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Succeeded', options);
  }

  /** Like `onSucceeded`, for each generation that failed; `detail.error` says why and whether to try again. */
  onFailed(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Failed', options);
  }

  /** Like `onSucceeded`, for each generation that was cancelled. */
  onCancelled(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Cancelled', options);
  }

  /** Generations accepted, as a sum unless `options` say otherwise. No data with `observability: 'none'`, like all of these. */
  metricAccepted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Accepted', options);
  }

  /** Generations that succeeded, as a sum unless `options` say otherwise. */
  metricSucceeded(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Succeeded', options);
  }

  /** Generations that failed, as a sum unless `options` say otherwise. Their codes are in the log: see docs/operations.md. */
  metricFailed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Failed', options);
  }

  /** Generations that were cancelled, as a sum unless `options` say otherwise. */
  metricCancelled(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Cancelled', options);
  }

  /** What Wiro charged, in US dollars, as a sum unless `options` say otherwise. */
  metricCostUsd(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('CostUsd', options);
  }

  /** Seconds from acceptance to copied outputs, the 90th percentile unless `options` say otherwise. */
  metricTimeToResult(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('TimeToResult', options);
  }

  /**
   * Seconds that the first in line for a slot at Wiro has been waiting, the maximum unless `options` say otherwise.
   * Measured once a minute; 0 when nobody waits.
   */
  metricOldestWaitingAge(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('OldestWaitingAge', options);
  }

  /** One of the deployment's metrics by its name, of which docs/operations.md has the list. */
  metric(name: MetricName, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return generationMetric(this.deployment, name, options);
  }

  private grantKeyOf(
    { encryptionKey }: s3.IBucket,
    actions: readonly string[],
    grantee: iam.IGrantable,
  ): void {
    if (encryptionKey === undefined) return;
    const { keyArn } = encryptionKey;
    grantAcross(this, {
      grantee,
      actions,
      resourceArns: [keyArn],
      resource: encryptionKey,
      // A key's own policy speaks of that key alone.
      resourceSelfArns: ['*'],
    });
  }

  private onEnd(id: string, detailType: string, options: events.OnEventOptions): events.Rule {
    const { target, eventPattern, crossStackScope, ...rest } = options;
    const rule = new events.Rule(crossStackScope ?? this, id, {
      ...rest,
      eventBus: this.eventBus,
      eventPattern: {
        source: [SOURCE],
        detailType: [detailType],
        detail: { deployment: [this.deployment] },
      },
    });
    rule.addEventPattern(eventPattern);
    rule.addTarget(target);
    return rule;
  }
}

function urlOf({ url, node }: WiroFunction): string {
  if (!url) throw new Error(`${node.path} needs a Function URL`);
  return url.url;
}

/** A Function URL is `https://<host>/`; whether it ends in a slash cannot be seen before it is made. */
const withoutSlash = (url: string) => `https://${Fn.select(2, Fn.split('/', url))}`;
