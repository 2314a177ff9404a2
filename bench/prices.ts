/** The date of the last comparison with AWS's price pages, and the prices' region. */
export const PRICES_AS_OF = '2026-11-22';
export const PRICES_REGION = 'us-east-1';

interface Price {
  /** US dollars per unit. */
  readonly usd: number;
  readonly unit: string;
  readonly page: string;
}

const MILLION = 1_000_000;

/** AWS's list prices, without free tiers. */
export const PRICE = {
  lambdaRequest: {
    usd: 0.2 / MILLION,
    unit: 'Lambda request',
    page: 'https://aws.amazon.com/lambda/pricing/',
  },
  lambdaGbSecond: {
    usd: 0.000_013_333_4,
    unit: 'Lambda GB-second, arm64',
    page: 'https://aws.amazon.com/lambda/pricing/',
  },
  writeUnit: {
    usd: 0.625 / MILLION,
    unit: 'DynamoDB write request unit, on demand',
    page: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  readUnit: {
    usd: 0.125 / MILLION,
    unit: 'DynamoDB read request unit, on demand',
    page: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  s3Put: {
    usd: 0.005 / 1_000,
    unit: 'S3 PUT, POST or LIST',
    page: 'https://aws.amazon.com/s3/pricing/',
  },
  s3Get: { usd: 0.0004 / 1_000, unit: 'S3 GET or HEAD', page: 'https://aws.amazon.com/s3/pricing/' },
  event: { usd: 1 / MILLION, unit: 'EventBridge event', page: 'https://aws.amazon.com/eventbridge/pricing/' },
  logGb: {
    usd: 0.5,
    unit: 'GB of ingested logs',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  metric: { usd: 0.3, unit: 'custom metric and month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  alarm: { usd: 0.1, unit: 'alarm and month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  dashboard: { usd: 3, unit: 'dashboard and month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  decryption: { usd: 0.03 / 10_000, unit: 'KMS request', page: 'https://aws.amazon.com/kms/pricing/' },
  trace: { usd: 5 / MILLION, unit: 'X-Ray trace', page: 'https://aws.amazon.com/xray/pricing/' },
  transferGb: {
    usd: 0.09,
    unit: 'GB sent out of AWS',
    page: 'https://aws.amazon.com/ec2/pricing/on-demand/',
  },
} as const satisfies Record<string, Price>;
