/** Where a service without an SDK client of ours is reached, by the SDK's own rules. */
export function serviceUrl(service: 'sqs' | 'cloudformation', region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return (
    process.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ||
    process.env.AWS_ENDPOINT_URL ||
    `https://${service}.${region}.${suffix}`
  );
}
