/** A service as its endpoint and its signature name it. */
export interface Service {
  /** For example `ssm`. */
  readonly name: string;
  /** `AWS_ENDPOINT_URL_<this>` overrides the endpoint. */
  readonly endpointVariable: string;
}

/** The environment demands an endpoint that does not exist. The message names the variable and the remedy. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
}

export const ownRegion = (): string => process.env.AWS_REGION ?? 'us-east-1';

/** Returns the endpoint that the environment names: that of an emulator or of a VPC, for example. */
export function ownEndpointOf(
  { endpointVariable }: Pick<Service, 'endpointVariable'>,
  env = process.env,
): string | undefined {
  if (isSet('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', env)) return undefined;
  return env[`AWS_ENDPOINT_URL_${endpointVariable}`] || env.AWS_ENDPOINT_URL || undefined;
}

/**
 * Returns a service's endpoint, as the SDK's client for it finds it.
 * @param own - An endpoint to use instead of AWS's. @default - as the environment names it
 * @throws {EndpointError} If the environment demands what does not exist.
 */
export function endpointOf(service: Service, region: string, own = ownEndpointOf(service)): string {
  const isFips = isSet(FIPS);
  const isDualStack = isSet(DUAL_STACK);
  if (own === undefined) return `https://${hostOf(service, region, isFips, isDualStack)}`;
  // Nobody but its owner knows what such an endpoint is. The SDK refuses this, too.
  if (isFips || isDualStack)
    throw new EndpointError(
      `${isFips ? FIPS : DUAL_STACK} does not go with an endpoint of your own, which AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_${service.endpointVariable} names: unset one of them`,
    );
  return own;
}

const FIPS = 'AWS_USE_FIPS_ENDPOINT';
const DUAL_STACK = 'AWS_USE_DUALSTACK_ENDPOINT';

function isSet(variable: string, { [variable]: value } = process.env): boolean {
  if (value === undefined || value === 'true' || value === 'false') return value === 'true';
  throw new EndpointError(`${variable} is "${value}": set it to "true" or "false"`);
}

/** How the names of a partition's regions begin, and how its hosts end. */
const PARTITIONS = [
  ['cn-', 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
  ['eusc-', 'amazonaws.eu', 'api.amazonwebservices.eu'],
  ['us-iso-', 'c2s.ic.gov', 'api.aws.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov', 'api.aws.scloud'],
  ['eu-isoe-', 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
  ['', 'amazonaws.com', 'api.aws'],
] as const;

/** Services whose usual hosts in GovCloud are validated under FIPS. That of EventBridge is with dual-stack, too. */
const FIPS_IN_GOVCLOUD: ReadonlySet<string> = new Set(['dynamodb', 'events', 'monitoring', 'sns', 'ssm']);

function hostOf({ name }: Service, region: string, isFips: boolean, isDualStack: boolean): string {
  const [, suffix, dualStackSuffix] = PARTITIONS.find(([start]) => region.startsWith(start)) ?? [];
  if (name === 's3') {
    if (isFips && region.startsWith('cn-'))
      throw new EndpointError(`S3 has no FIPS endpoint in ${region}: unset ${FIPS}`);
    return `s3${isFips ? '-fips' : ''}${isDualStack ? '.dualstack' : ''}.${region}.${suffix}`;
  }
  const isUsual =
    region.startsWith('us-gov-') && FIPS_IN_GOVCLOUD.has(name) && (!isDualStack || name === 'events');
  const host = isFips && !isUsual ? `${name}-fips` : name;
  return `${host}.${region}.${isDualStack ? dualStackSuffix : suffix}`;
}
