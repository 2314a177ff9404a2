import { Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { FunctionName } from '../../functions/functions.ts';
import { PREFIX } from '../../functions/objects/prefix.ts';
import type { MetricName } from '../../functions/runtime/metrics.ts';
import { EVENT_SOURCE, PARAMETER } from '../../functions/settings.ts';
import { checkProps, requireCredentials, requireProps } from '../checks/check-props.ts';
import { inputBucketName, withoutSlashAtEnd } from '../checks/form.ts';
import { refuseSharedNames } from '../checks/refuse-shared-names.ts';
import { refuseTriggerLoops } from '../checks/trigger-loops.ts';
import { generationMetric } from '../observability/metrics.ts';
import { Observability } from '../observability/observability.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import { addFunctions } from './add-functions.ts';
import { connectFunctions } from './connect-functions.ts';
import { DeadLetters } from './dead-letters.ts';
import { environmentOf } from './environment.ts';
import { ExistingBucket } from './existing-bucket.ts';
import { GenerationTable } from './generation-table.ts';
import { grantAcross } from './grant-across.ts';
import { OBJECT_KEY } from './grant-keys.ts';
import { PrivateBucket } from './private-bucket.ts';
import { type InputBucketTriggers, TriggeringBucket } from './triggering-bucket.ts';
import type { WiroFunction } from './wiro-function.ts';

/** The prefixes in the input bucket that `grantSubmit` allows writing to. The others hold answers. */
const SUBMITTED = ['inputs/', PREFIX.requests, PREFIX.uploads];

/** Runs generations on Wiro: takes requests, copies outputs to a bucket, keeps records in a table, and publishes events. */
export class WiroGenerations<OutputBucket extends s3.IBucket = s3.Bucket> extends Construct {
  /** The records of generations and the work that is due. */
  readonly table: dynamodb.ITable;
  /**
   * The bucket for inputs. Request files go under `requests/`, dropped files under `uploads/`; the deployment writes
   * answers under `results/` and `rejected/`.
   */
  readonly inputBucket: s3.IBucket;
  /** The bucket for finished outputs, under `outputs/`: the one in `props`, or a new one to which you can add rules. */
  readonly outputBucket: OutputBucket | s3.Bucket;
  /** Receives `Generation Requested` and publishes outcomes. See `onSucceeded`, `onFailed` and `onCancelled`. */
  readonly eventBus: events.IEventBus;
  /** The deployment's name, which is part of every generation's id, callback URL and event. */
  readonly deployment: string;
  /** The URL of the HTTP API. Callers sign requests and need `grantSubmit` or `grantCallApi`. */
  readonly apiUrl: string;
  /** The URL where Wiro reports ended tasks, without a trailing slash. */
  readonly callbackUrl: string;
  /** The Lambda functions, for settings that this construct does not offer. Their environment and rights are complete. */
  readonly functions: Readonly<Record<FunctionName, lambda.Function>>;
  /**
   * The dead letter queue for asynchronous invocations and events that failed every try. Generations do not depend on
   * it; see docs/operations.md.
   */
  readonly deadLetters: sqs.Queue;
  /** The alarms and the dashboard. `undefined` with `observability: 'none'`. */
  readonly observability: Observability | undefined;

  /**
   * Creates the deployment: functions, rights and triggers, and the table, buckets and bus that `props` does not bring.
   * @param id - The construct id. Changing it replaces the table and the buckets with empty ones.
   * @throws {ConfigurationError} If the deployment cannot work with these `props`.
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
      removalPolicy = RemovalPolicy.RETAIN,
      retention,
      observability = 'standard',
    } = props;
    checkProps(this, props, { deployment, namePrefix, path: parameterPath });

    const table = props.table ?? new GenerationTable(this, 'Table', { removalPolicy });
    const inputs = addInputs(this, props, { namePrefix, removalPolicy });
    const outputBucket =
      props.outputBucket ??
      new PrivateBucket(this, 'Outputs', {
        removalPolicy,
        // Large requests in the same bucket belong to their records, which do not expire.
        ...(retention && { retention, retentionPrefix: PREFIX.outputs }),
      });
    const eventBus = props.eventBus ?? new events.EventBus(this, 'Events', { eventBusName: namePrefix });
    refuseSharedNames(this, {
      deployment,
      "the credentials' path": parameterPath,
      table: table.tableName,
      inputBucket: (props.inputBucket ?? inputs.bucket).bucketName,
      eventBus: eventBus.eventBusName,
      ...(!props.eventBus && { namePrefix }),
      // The stack id makes the name unique, but only across stacks.
      ...(!props.inputBucket && {
        "the input bucket's name (from namePrefix)": `${inputBucketName(namePrefix)} in ${Stack.of(this).node.path}`,
      }),
    });

    const resources = { table, inputs, outputBucket, eventBus, parameterPath, secret };
    const deadLetters = new DeadLetters(this, 'DeadLetters');
    const environment = environmentOf(props, { deployment, ...resources });
    const functions = addFunctions(this, props, { environment, deadLetters });
    const { api, submit, callback, reconcile } = functions;
    this.callbackUrl = withoutSlashAtEnd(props.callbackBaseUrl ?? withoutSlash(urlOf(callback)));
    addCallbackParameters(this, { path: parameterPath, url: this.callbackUrl, callback });
    connectFunctions(this, functions, { props, ...resources, deadLetters });

    this.table = table;
    this.inputBucket = inputs.bucket;
    this.outputBucket = outputBucket;
    this.eventBus = eventBus;
    this.deployment = deployment;
    this.apiUrl = urlOf(api);
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
   * Lets `grantee` request generations in every way: call the API, put objects under `inputs/`, `requests/` and
   * `uploads/` in the input bucket, and put `Generation Requested` on the bus.
   *
   * This includes reading, cancelling and retrying through the API, because rights on a Function URL cover every path.
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
      // Only the deployment itself may put outcomes on the bus.
      conditions: { StringEquals: { 'events:detail-type': 'Generation Requested' } },
      resource: this.eventBus,
    });
    return this.grantCallApi(grantee).combine(put).combine(request);
  }

  /** Lets `grantee` call every endpoint of the API with signed requests. */
  grantCallApi(grantee: iam.IGrantable): iam.Grant {
    return this.functions.api.grantInvokeUrl(grantee);
  }

  /**
   * Lets `grantee` read outputs and the answers to request files, and list both buckets. This does not include
   * records, which only the API returns (`grantCallApi`). Events and `result.json` contain the same outcome.
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
        // Without this right, S3 answers 403 for a missing object instead of 404.
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
   * Adds a rule for generations that succeed. Their outputs are in the bucket before the event.
   *
   * Events are delivered at least once; `detail.eventId` is the same for every delivery.
   * @param id - The rule's construct id in this construct.
   * @returns The rule, to which you can add targets.
   */
  onSucceeded(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Succeeded', options);
  }

  /** Like `onSucceeded`, for generations that fail. `detail.error` says why and whether a retry may succeed. */
  onFailed(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Failed', options);
  }

  /** Like `onSucceeded`, for generations that are cancelled. */
  onCancelled(id: string, options: events.OnEventOptions = {}): events.Rule {
    return this.onEnd(id, 'Generation Cancelled', options);
  }

  /**
   * The number of accepted generations. The default statistic is the sum. Like all metrics here, it has no data with
   * `observability: 'none'`.
   */
  metricAccepted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Accepted', options);
  }

  /** The number of generations that succeeded. The default statistic is the sum. */
  metricSucceeded(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Succeeded', options);
  }

  /** The number of generations that failed. The default statistic is the sum. The log has their error codes: see docs/operations.md. */
  metricFailed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Failed', options);
  }

  /** The number of generations that were cancelled. The default statistic is the sum. */
  metricCancelled(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('Cancelled', options);
  }

  /** Wiro's charges in US dollars. The default statistic is the sum. */
  metricCostUsd(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('CostUsd', options);
  }

  /** Seconds from acceptance to copied outputs. The default statistic is the 90th percentile. */
  metricTimeToResult(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('TimeToResult', options);
  }

  /**
   * Seconds that the first generation in line has waited for a slot at Wiro. The default statistic is the maximum.
   * Measured once a minute; 0 if no generation waits.
   */
  metricOldestWaitingAge(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('OldestWaitingAge', options);
  }

  /** Returns one of the deployment's metrics by name. docs/operations.md lists the names. */
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
      // In a key policy, `*` stands for that key.
      resourceSelfArns: ['*'],
    });
  }

  private onEnd(id: string, detailType: string, options: events.OnEventOptions): events.Rule {
    const { target, eventPattern, crossStackScope, ...rest } = options;
    const rule = new events.Rule(crossStackScope ?? this, id, {
      ...rest,
      eventBus: this.eventBus,
      eventPattern: {
        source: [EVENT_SOURCE],
        detailType: [detailType],
        detail: { deployment: [this.deployment] },
      },
    });
    rule.addEventPattern(eventPattern);
    rule.addTarget(target);
    return rule;
  }
}

function addInputs(
  scope: Construct,
  props: WiroGenerationsProps<s3.IBucket>,
  { namePrefix, removalPolicy }: { readonly namePrefix: string; readonly removalPolicy: RemovalPolicy },
): InputBucketTriggers {
  if (props.inputBucket) return new ExistingBucket(scope, 'InputBucket', props.inputBucket);
  const { uploadRetention = defaultUploadRetention(props.maximumWait) } = props;
  return new TriggeringBucket(scope, 'Inputs', {
    bucketName: inputBucketName(namePrefix),
    removalPolicy,
    temporary: { prefix: PREFIX.temporaryInputs, retention: uploadRetention },
    ...(props.uploadOrigins && { uploadOrigins: props.uploadOrigins }),
    ...(props.retention && { retention: props.retention }),
  });
}

/** Tells the functions how Wiro reaches `callback`, and what it is called. */
function addCallbackParameters(
  scope: Construct,
  { path, url, callback }: { readonly path: string; readonly url: string; readonly callback: WiroFunction },
): void {
  new ssm.StringParameter(scope, 'CallbackBaseUrl', {
    description: 'URL where Wiro calls the callback function. The stack writes it.',
    parameterName: `${path}/${PARAMETER.callbackBaseUrl}`,
    stringValue: url,
  });
  new ssm.StringParameter(scope, 'CallbackFunction', {
    description: 'Name of the callback function. The stack writes it.',
    parameterName: `${path}/${PARAMETER.callbackFunction}`,
    stringValue: callback.function.functionName,
  });
}

function urlOf({ url, node }: WiroFunction): string {
  if (!url) throw new Error(`${node.path} needs a Function URL`);
  return url.url;
}

/** A Function URL is `https://<host>/`. Its text is unknown at synthesis, so CloudFormation has to remove the slash. */
const withoutSlash = (url: string) => `https://${Fn.select(2, Fn.split('/', url))}`;

/** The default retention of uploads: at least the longest wait in line. */
const defaultUploadRetention = (maximumWait?: Duration): Duration =>
  Duration.days(Math.max(14, Math.ceil(maximumWait?.toDays({ integral: false }) ?? 0)));
