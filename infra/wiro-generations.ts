import { Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName, PREFIX } from '../functions/functions.ts';
import type { Presets } from '../functions/generation/preset.ts';
import { type Durations, PARAMETER, WIRO_DEFAULTS } from '../functions/settings.ts';
import { checkPresets } from './check-presets.ts';
import { GenerationTable } from './generation-table.ts';
import { GRANTS, INVOKES, type Place } from './grants.ts';
import { PrivateBucket } from './private-bucket.ts';
import { refuseTriggerLoops } from './trigger-loops.ts';
import { TriggeringBucket } from './triggering-bucket.ts';
import { type Environment, type FunctionCode, WiroFunction } from './wiro-function.ts';

export interface WiroGenerationsProps {
  /** The functions' code, from `bundleFunctions()`. */
  readonly code: Readonly<Record<FunctionName, FunctionCode>>;
  /**
   * Part of every generation's id and callback URL: changing it makes a new deployment of the same resources.
   * Letters, digits and `-`, at most 64. @default - the stack's name
   */
  readonly deployment?: string;
  /** Where `npm run setup` put the secrets. @default - `/wiro/` and the stack's name */
  readonly parameterPath?: string;
  /** Buckets besides our own that inputs may come from. @default - none */
  readonly furtherInputBuckets?: readonly s3.IBucket[];
  /** What each file put under `uploads/<name>/` in the input bucket becomes. @default - none: nothing starts for `uploads/` */
  readonly presets?: Presets;
  /** Where Wiro reaches `callback`, without a slash at the end: for tunnels and custom domains. @default - its Function URL */
  readonly callbackBaseUrl?: string;
  /** Ends in `/v1`. @default - Wiro itself */
  readonly wiroApiUrl?: string;
  /** @default - Wiro itself */
  readonly wiroSocketUrl?: string;
  /** Hosts that outputs are copied from; each stands for its subdomains too. @default - Wiro's */
  readonly wiroOutputHosts?: readonly string[];
  /** In milliseconds, see `DURATIONS` in functions/settings.ts. @default - as they are there */
  readonly durations?: Partial<Durations>;
  /** Divides every duration that `durations` does not give: for tests. @default 1 */
  readonly durationDivisor?: number;
  /** What becomes of table and buckets, with all they hold, when the stack goes. @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** Generations on Wiro: requests in, finished outputs in a bucket, records in a table, outcomes on an event bus. */
export class WiroGenerations extends Construct {
  readonly table: dynamodb.Table;
  readonly inputBucket: s3.Bucket;
  readonly outputBucket: s3.Bucket;
  readonly eventBus: events.EventBus;
  /** The HTTP API, for requests signed by a principal with `grantCallApi`. */
  readonly apiUrl: string;
  /** Where Wiro reports ends, without a slash at the end. */
  readonly callbackUrl: string;
  readonly functions: Readonly<Record<FunctionName, lambda.Function>>;

  constructor(scope: Construct, id: string, props: WiroGenerationsProps) {
    super(scope, id);
    refuseTriggerLoops();
    const { stackName } = Stack.of(this);
    const {
      deployment = stackName,
      parameterPath = `/wiro/${stackName}`,
      furtherInputBuckets = [],
      presets = {},
      removalPolicy = RemovalPolicy.RETAIN,
    } = props;
    const hasPresets = Object.keys(presets).length > 0;
    const presetsJson = hasPresets ? JSON.stringify(checkPresets(presets)) : undefined;

    const table = new GenerationTable(this, 'Table', { removalPolicy });
    const inputs = new TriggeringBucket(this, 'Inputs', {
      bucketName: `${deployment.toLowerCase().slice(0, 40)}-input`,
      removalPolicy,
    });
    const outputBucket = new PrivateBucket(this, 'Outputs', { removalPolicy });
    const eventBus = new events.EventBus(this, 'Events', { eventBusName: deployment });

    const told: Environment = {
      deployment,
      table: table.tableName,
      inputBucket: inputs.nameAhead,
      furtherInputBuckets: furtherInputBuckets.map((bucket) => bucket.bucketName).join(',') || undefined,
      outputBucket: outputBucket.bucketName,
      eventBus: eventBus.eventBusName,
      parameterPath,
      presets: presetsJson,
      wiroApiUrl: props.wiroApiUrl ?? WIRO_DEFAULTS.apiUrl,
      wiroSocketUrl: props.wiroSocketUrl ?? WIRO_DEFAULTS.socketUrl,
      wiroOutputHosts: props.wiroOutputHosts?.join(',') ?? WIRO_DEFAULTS.outputHosts,
      durations: props.durations && JSON.stringify(props.durations),
      durationDivisor: props.durationDivisor?.toString(),
    };
    const add = (id: string, name: FunctionName, environment: Environment, maxEventAge?: Duration) =>
      new WiroFunction(this, id, {
        describedBy: FUNCTIONS[name],
        code: props.code[name],
        environment,
        ...(maxEventAge && { maxEventAge }),
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
    const { callbackBaseUrl = withoutSlash(urlOf(callback)) } = props;
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

    const inputBucketArns = [inputs.arnAhead, ...furtherInputBuckets.map((bucket) => bucket.bucketArn)];
    const places: Record<Place, readonly string[]> = {
      table: [table.tableArn],
      dueIndex: [table.indexArn('due')],
      waitingIndex: [table.indexArn('waiting')],
      inputBucket: [inputs.arnAhead],
      inputBuckets: inputBucketArns,
      inputs: inputBucketArns.map((arn) => `${arn}/*`),
      results: [`${inputs.arnAhead}/${PREFIX.results}*`],
      rejected: [`${inputs.arnAhead}/${PREFIX.rejected}*`],
      outputBucket: [outputBucket.bucketArn],
      outputs: [outputBucket.arnForObjects(`${PREFIX.outputs}*`)],
      folderResults: [outputBucket.arnForObjects(`${PREFIX.outputs}*/result.json`)],
      largeRequests: [outputBucket.arnForObjects(`${PREFIX.largeRequests}*`)],
      eventBus: [eventBus.eventBusArn],
      parameters: Object.values(PARAMETER).map((name) =>
        Stack.of(this).formatArn({
          service: 'ssm',
          resource: 'parameter',
          resourceName: parameter(name).slice(1),
        }),
      ),
    };
    for (const name of Object.keys(functions) as FunctionName[]) {
      for (const { actions, on } of GRANTS[name]) functions[name].allow(actions, places[on]);
      functions[name].allowInvoking(INVOKES[name].map((other) => functions[other]));
      for (const { needs, ...objects } of FUNCTIONS[name].objectsCreated ?? [])
        if (needs !== 'presets' || hasPresets) inputs.startFor(objects, functions[name].function);
      const { eventsPut } = FUNCTIONS[name];
      if (eventsPut)
        new events.Rule(this, `${name}Requested`, {
          description: `Starts ${name} for each ${eventsPut.join(', ')}.`,
          eventBus,
          eventPattern: { detailType: [...eventsPut] },
          targets: [new targets.LambdaFunction(functions[name].function)],
        });
    }

    this.table = table;
    this.inputBucket = inputs.bucket;
    this.outputBucket = outputBucket;
    this.eventBus = eventBus;
    this.apiUrl = urlOf(api);
    this.callbackUrl = callbackBaseUrl;
    this.functions = {
      api: api.function,
      submit: submit.function,
      callback: callback.function,
      reconcile: reconcile.function,
    };
  }

  /** Lets `grantee` call the API, all of it, with signed requests. */
  grantCallApi(grantee: iam.IGrantable): iam.Grant {
    return this.functions.api.grantInvokeUrl(grantee);
  }
}

function urlOf({ url, node }: WiroFunction): string {
  if (!url) throw new Error(`${node.path} needs a Function URL: give it one in functions/functions.ts`);
  return url.url;
}

/** A Function URL is `https://<host>/`; whether it ends in a slash cannot be seen before it is made. */
const withoutSlash = (url: string) => `https://${Fn.select(2, Fn.split('/', url))}`;
